"""List a template's versions, newest first: each change made one."""

from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, versions
from drumbeat.templates.model import TemplateVersion
from drumbeat.templates.version_views import VersionQuery, VersionSummary


@http(
    "GET /v1/templates/{template_id}/versions",
    scope="templates:read",
    limit=STANDARD,
    reads=(*model.READS, TemplateVersion),
)
def handler(request: Request, template_id: str, query: VersionQuery) -> Page[VersionSummary]:
    """The latest 100 are kept, until the template is deleted. 404 `NOT_FOUND`; 422 `VALIDATION_ERROR` for a cursor that
    is not of this list."""
    return versions.page(model.get(request.tenant, template_id), query)
