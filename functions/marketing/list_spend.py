"""List what was spent on a marketing campaign outside of Drumbeat, oldest first."""

from drumbeat.http import Request, http
from drumbeat.marketing import model
from drumbeat.marketing.model import MarketingCampaign, Spend
from drumbeat.marketing.views import SpendView, view_spend
from drumbeat.slugs import Slug


@http(
    "GET /v1/marketing-campaigns/{marketing_campaign_id}/spend",
    scope="campaigns:read",
    reads=(MarketingCampaign, Spend, Slug),
)
def handler(request: Request, marketing_campaign_id: str) -> list[SpendView]:
    """404 for an unknown marketing campaign."""
    campaign = model.get(request.tenant, marketing_campaign_id)
    return [view_spend(spend, campaign.currency) for spend in model.spends(request.tenant, campaign.campaign_id)]
