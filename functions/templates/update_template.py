"""Change an e-mail template: fields that are left out stay. Campaigns that were launched keep what they had."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import checks, model, shown
from drumbeat.templates.engine import Compiled
from drumbeat.templates.model import Template
from drumbeat.templates.views import SavedTemplate, TemplateChange


@http("PUT /v1/templates/{template_id}", scope="templates:write", limit=STANDARD, writes=model.WRITES, memory=512)
def handler(request: Request, template_id: str, body: TemplateChange) -> SavedTemplate:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` as when a template is added."""
    merged: list[Compiled] = []

    def check(row: Template) -> None:
        merged.append(checks.compiled(row.subject, row.html, row.text, row.language))

    row = model.change(request.tenant, template_id, body, check=check, now=request.now)
    return shown.saved(row, checks.findings(merged[-1], row.variables))
