"""Show a starter template with its MJML in all its languages."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import starting
from drumbeat.templates.starter_views import StarterBody


@http("GET /v1/starter-templates/{name}", scope="templates:read", limit=STANDARD)
def handler(request: Request, name: str) -> StarterBody:
    """404 `NOT_FOUND` for a name that no starter has."""
    return starting.body(name)
