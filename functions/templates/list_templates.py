"""List e-mail templates, newest first, without their bodies."""

from drumbeat.counts import Count
from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.templates import shown
from drumbeat.templates.model import Template
from drumbeat.templates.views import TemplateQuery, TemplateSummary


@http("GET /v1/templates", scope="templates:read", limit=STANDARD, reads=(Template, Count), memory=512)
def handler(request: Request, query: TemplateQuery) -> Page[TemplateSummary]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    return shown.page(request.tenant, query)
