"""Pause a marketing campaign: nothing under it starts, and what is being sent is paused."""

from drumbeat.campaigns import under
from drumbeat.campaigns.model import Campaign
from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignView, view
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN
from drumbeat.slugs import Slug


@http(
    "POST /v1/marketing-campaigns/{marketing_campaign_id}/pause",
    scope="campaigns:send",
    reads=(Slug,),
    writes=(MarketingCampaign, Campaign, Send, Sender),
    starts=(GOVERN,),
)
def handler(request: Request, marketing_campaign_id: str) -> MarketingCampaignView:
    """404; 409 `MARKETING_CAMPAIGN_STATUS`. Repeated, it finishes what it did not reach the first time."""
    campaign = planning.pause(model.get(request.tenant, marketing_campaign_id), request.now)
    under.pause(campaign, request.now)
    return view(campaign, request.now)
