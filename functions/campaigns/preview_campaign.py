"""Show a campaign's message as a contact, or somebody with given values, would get it, and what it would cost."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import costing, model, previewing
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.previewing import CampaignPreview, CampaignPreviewRequest
from drumbeat.contacts.model import Contact
from drumbeat.http import Request, http


@http(
    "POST /v1/campaigns/{campaign_id}/preview",
    scope="campaigns:read",
    reads=(Contact, Tenant, *costing.READS, *REFERS),
    memory=512,
    timeout=29,
)
def handler(request: Request, campaign_id: str, body: CampaignPreviewRequest) -> CampaignPreview:
    """404 for an unknown campaign or contact; 422 `CAMPAIGN_NOT_READY` with what is missing. Nothing is sent."""
    return previewing.preview(model.get(request.tenant, campaign_id), body, request.now)
