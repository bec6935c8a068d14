"""Show an e-mail template with its HTML and text, by its id or its slug."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, shown
from drumbeat.templates.views import TemplateView


@http("GET /v1/templates/{template_id}", scope="templates:read", limit=STANDARD, reads=model.READS)
def handler(request: Request, template_id: str) -> TemplateView:
    """404 `NOT_FOUND` for an id or slug that no template of the tenant has."""
    return shown.view(model.get(request.tenant, template_id))
