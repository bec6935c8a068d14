"""Show a saved template as the mail that a contact, or someone with the given values, would get."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.sends import previews
from drumbeat.templates import model
from drumbeat.templates.preview_views import MailPreviewRequest, MailPreviewView


@http(
    "POST /v1/templates/{template_id}/preview",
    scope="templates:read",
    limit=STANDARD,
    reads=(*model.READS, *previews.READS),
    memory=512,
)
def handler(request: Request, template_id: str, body: MailPreviewRequest) -> MailPreviewView:
    """404 `NOT_FOUND` for a template or contact that there is not; 422 `VALIDATION_ERROR` naming `subject`, `html`,
    `mjml` or `text` and the line when these values make the template fail."""
    return previews.saved(request.tenant, model.get(request.tenant, template_id), body, request.now)
