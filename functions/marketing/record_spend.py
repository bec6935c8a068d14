"""Record money that was spent on a marketing campaign outside of Drumbeat: ads, an agency, print."""

from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import MarketingCampaign, Spend
from drumbeat.marketing.views import NewSpend, SpendView, view_spend
from drumbeat.slugs import Slug


@http(
    "POST /v1/marketing-campaigns/{marketing_campaign_id}/spend",
    scope="campaigns:write",
    status=201,
    reads=(MarketingCampaign, Slug),
    writes=(Spend,),
)
def handler(request: Request, marketing_campaign_id: str, body: NewSpend) -> SpendView:
    """422 for another currency than the marketing campaign's. Send an Idempotency-Key, so that a repeated request is
    not spent twice."""
    campaign = model.get(request.tenant, marketing_campaign_id)
    spend = planning.record_spend(campaign, request.new_id("spd"), body, request.actor, request.now)
    return view_spend(spend, campaign.currency)
