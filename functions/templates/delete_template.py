"""Delete an e-mail template with its versions. Campaigns that were launched with it have their own copy."""

from drumbeat.http import STANDARD, Answer, Request, http
from drumbeat.templates import model
from drumbeat.templates.views import Deleted


@http("DELETE /v1/templates/{template_id}", scope="templates:write", limit=STANDARD, writes=model.WRITES)
def handler(request: Request, template_id: str) -> Answer[Deleted]:
    """404 `NOT_FOUND` for an id or slug that no template of the tenant has."""
    return Answer(Deleted(id=model.delete(request.tenant, template_id)), "The template was deleted.")
