"""Change an e-mail template: fields that are left out stay. Campaigns that were launched keep what they had."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, saving, shown, versions
from drumbeat.templates.views import SavedTemplate, TemplateChange


@http("PUT /v1/templates/{template_id}", scope="templates:write", limit=STANDARD, writes=model.WRITES, memory=512)
def handler(request: Request, template_id: str, body: TemplateChange) -> SavedTemplate:
    """Makes a version, if anything is different. 404 `NOT_FOUND`; 409 `TEMPLATE_CHANGED` when `expected_version` or
    `If-Match` names another version than the current one; 422 `VALIDATION_ERROR` as when a template is added."""
    expected = versions.matched(request.headers)
    row, findings = saving.update(
        request.tenant, template_id, body, expected=expected, actor=request.actor, now=request.now
    )
    return shown.saved(row, findings)
