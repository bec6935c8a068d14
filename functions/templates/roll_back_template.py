"""Give a template what an earlier version said. It becomes the next version; none is lost."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, saving, shown, versions
from drumbeat.templates.version_views import Rollback
from drumbeat.templates.views import TemplateView


@http(
    "POST /v1/templates/{template_id}/rollback",
    scope="templates:write",
    limit=STANDARD,
    writes=model.WRITES,
    memory=512,
)
def handler(request: Request, template_id: str, body: Rollback) -> TemplateView:
    """404 `NOT_FOUND` for a template or version that there is not; 409 `TEMPLATE_CHANGED` when `expected_version` is
    not the current one; 422 `VALIDATION_ERROR` when the version no longer compiles, as when a block is gone."""
    row = model.get(request.tenant, template_id)
    old = versions.get(row, str(body.version))
    return shown.view(
        saving.roll_back(request.tenant, row.template_id, body, old, actor=request.actor, now=request.now)
    )
