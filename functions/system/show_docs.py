"""Describe the API for people: one page, which can be searched."""

from drumbeat import reference
from drumbeat.http import STANDARD, Raw, Request, http


@http("GET /docs", limit=STANDARD)
def handler(request: Request) -> Raw:
    """The same as `GET /openapi.json`, to read."""
    return reference.page(request)
