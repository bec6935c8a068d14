"""List starter templates: `POST /v1/templates` with `starter` makes a template from one."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import starters, starting
from drumbeat.templates.starter_views import StarterView


@http("GET /v1/starter-templates", scope="templates:read", limit=STANDARD)
def handler(request: Request) -> list[StarterView]:
    """There are few, so that they come at once."""
    return [starting.view(name) for name in starters.names()]
