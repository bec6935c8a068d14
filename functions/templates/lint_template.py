"""Look for what would embarrass the sender of a saved template, in all its languages."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.sends import previews
from drumbeat.templates import model
from drumbeat.templates.preview_views import Lint


@http(
    "POST /v1/templates/{template_id}/lint",
    scope="templates:read",
    limit=STANDARD,
    reads=(*model.READS, *previews.READS),
    memory=512,
)
def handler(request: Request, template_id: str) -> Lint:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` when it no longer compiles, as when a block is gone."""
    return previews.lint_saved(request.tenant, model.get(request.tenant, template_id))
