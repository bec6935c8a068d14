"""Approve a marketing campaign: a second person's word, kept with the time."""

from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignView, view
from drumbeat.slugs import Slug


@http(
    "POST /v1/marketing-campaigns/{marketing_campaign_id}/approve",
    scope="campaigns:send",
    reads=(Slug,),
    writes=(MarketingCampaign,),
)
def handler(request: Request, marketing_campaign_id: str) -> MarketingCampaignView:
    """403 for whoever made or changed it, and for an API key; 409 `MARKETING_CAMPAIGN_STATUS` unless it is a draft."""
    campaign = model.get(request.tenant, marketing_campaign_id)
    return view(planning.approve(campaign, request.actor, request.now), request.now)
