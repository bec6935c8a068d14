"""Compare a template's version with an earlier one: which fields differ, and how many lines came and went."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, versions
from drumbeat.templates.model import TemplateVersion
from drumbeat.templates.version_views import CompareQuery, Comparison


@http(
    "GET /v1/templates/{template_id}/versions/{version}/diff",
    scope="templates:read",
    limit=STANDARD,
    reads=(*model.READS, TemplateVersion),
)
def handler(request: Request, template_id: str, version: str, query: CompareQuery) -> Comparison:
    """Without `against` it is compared with the version before. 404 `NOT_FOUND` for a template or version that there
    is not."""
    return versions.compare(model.get(request.tenant, template_id), version, query.against)
