"""Show a marketing campaign."""

from drumbeat.http import Request, http
from drumbeat.marketing import model
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignView, view
from drumbeat.slugs import Slug


@http("GET /v1/marketing-campaigns/{marketing_campaign_id}", scope="campaigns:read", reads=(MarketingCampaign, Slug))
def handler(request: Request, marketing_campaign_id: str) -> MarketingCampaignView:
    """404 for an unknown marketing campaign."""
    return view(model.get(request.tenant, marketing_campaign_id), request.now)
