"""Add an e-mail template in Liquid, and hear what could be better about it."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import checks, model, shown
from drumbeat.templates.views import NewTemplate, SavedTemplate


@http(
    "POST /v1/templates",
    scope="templates:write",
    limit=STANDARD,
    status=201,
    reads=(Tenant,),
    writes=model.WRITES,
    memory=512,
)
def handler(request: Request, body: NewTemplate) -> SavedTemplate:
    """422 `VALIDATION_ERROR` naming `subject`, `html` or `text` and the line for a template that does not compile,
    costs too much to render, or has scripts, event handlers or script addresses in its HTML."""
    template = checks.compiled(body.subject, body.html, body.text, body.language or "en")
    row = model.add(request.tenant, body, template_id=request.new_id("tpl"), created_by=request.actor, now=request.now)
    return shown.saved(row, checks.findings(template, body.variables))
