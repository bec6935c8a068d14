"""Add an e-mail template in Liquid and HTML or MJML, and hear what could be better about it."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, saving, shown
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
    """409 `CONFLICT` for a block that was deleted meanwhile; 422 `VALIDATION_ERROR` naming `subject`, `html`, `mjml` or
    `text` (of a variant: `languages.bn.html`) and the line for a template that does not compile, costs too much to
    render, renders a block that there is not, or has scripts, event handlers or script addresses."""
    row, findings = saving.create(
        request.tenant, body, template_id=request.new_id("tpl"), actor=request.actor, now=request.now
    )
    return shown.saved(row, findings)
