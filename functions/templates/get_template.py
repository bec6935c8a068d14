"""Show an e-mail template with its HTML and text, by its id or its slug."""

from drumbeat.http import STANDARD, Answer, Request, http
from drumbeat.templates import model, shown
from drumbeat.templates.views import TemplateView


@http("GET /v1/templates/{template_id}", scope="templates:read", limit=STANDARD, reads=model.READS)
def handler(request: Request, template_id: str) -> Answer[TemplateView]:
    """The header `ETag` has the version, for `If-Match`. 404 `NOT_FOUND` for an id or slug that no template of the
    tenant has."""
    row = model.get(request.tenant, template_id)
    return Answer(shown.view(row), headers={"ETag": f'"{int(row.version)}"'})
