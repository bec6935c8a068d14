"""Show a template that is not saved as the mail that a contact, or someone with the given values, would get."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.sends import previews
from drumbeat.templates.preview_views import DraftPreviewRequest, MailPreviewView


@http("POST /v1/templates/preview", scope="templates:read", limit=STANDARD, reads=previews.READS, memory=512)
def handler(request: Request, body: DraftPreviewRequest) -> MailPreviewView:
    """404 `NOT_FOUND` for a contact that there is not; 422 `VALIDATION_ERROR` naming `subject`, `html`, `mjml` or
    `text` and the line for a template that does not compile, or that fails with these values."""
    return previews.draft(request.tenant, body, request.now)
