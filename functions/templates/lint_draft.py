"""Look for what would embarrass the sender of a template that is not saved."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.sends import previews
from drumbeat.templates.preview_views import DraftLint, Lint


@http("POST /v1/templates/lint", scope="templates:read", limit=STANDARD, reads=previews.READS, memory=512)
def handler(request: Request, body: DraftLint) -> Lint:
    """Each finding has a name, its place and what to do; nothing is fetched. 422 `VALIDATION_ERROR` naming `subject`,
    `html`, `mjml` or `text` and the line for a template that does not compile."""
    return previews.lint(request.tenant, body)
