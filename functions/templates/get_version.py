"""Show a template as it was in one of its versions."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import model, versions
from drumbeat.templates.model import TemplateVersion
from drumbeat.templates.version_views import VersionView


@http(
    "GET /v1/templates/{template_id}/versions/{version}",
    scope="templates:read",
    limit=STANDARD,
    reads=(*model.READS, TemplateVersion),
)
def handler(request: Request, template_id: str, version: str) -> VersionView:
    """404 `NOT_FOUND` for a template or version that there is not; the latest 100 versions are kept."""
    return versions.view(versions.get(model.get(request.tenant, template_id), version))
