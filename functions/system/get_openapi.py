"""Describe the API for programs (OpenAPI 3.1)."""

from drumbeat import reference
from drumbeat.http import STANDARD, Raw, Request, http


@http("GET /openapi.json", limit=STANDARD)
def handler(request: Request) -> Raw:
    """Every route with its parameters, bodies, answers, refusals and examples."""
    return reference.openapi(request)
