"""Show a campaign's mail as a contact, or somebody with given values, would get it."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model, previewing
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.previewing import CampaignPreview
from drumbeat.contacts.model import Contact
from drumbeat.http import Request, http
from drumbeat.templates.preview_views import MailPreviewRequest


@http(
    "POST /v1/campaigns/{campaign_id}/preview",
    scope="campaigns:read",
    reads=(Contact, Tenant, *REFERS),
    memory=512,
)
def handler(request: Request, campaign_id: str, body: MailPreviewRequest) -> CampaignPreview:
    """404 for an unknown campaign or contact; 422 `CAMPAIGN_NOT_READY` with what is missing. Nothing is sent."""
    return previewing.preview(model.get(request.tenant, campaign_id), body)
