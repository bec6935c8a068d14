"""Stop sending; what is under way is finished."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.http import Request, http
from drumbeat.sends.model import Send
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/pause",
    scope="campaigns:send",
    reads=(Slug, Tenant),
    writes=(Campaign, Send),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """409 `CAMPAIGN_STATUS` unless it is sending."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.pause(campaign, request.now))
