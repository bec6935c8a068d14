"""Change a marketing campaign. Where approval is required, a change of what was approved asks for it again."""

from drumbeat.http import Request, http
from drumbeat.marketing import model, planning
from drumbeat.marketing.model import ChannelResult, MarketingCampaign, Spend
from drumbeat.marketing.views import MarketingCampaignChange, MarketingCampaignView, view
from drumbeat.segments.model import Definitions, Segment
from drumbeat.slugs import Slug


@http(
    "PATCH /v1/marketing-campaigns/{marketing_campaign_id}",
    scope="campaigns:write",
    reads=(Segment, Definitions, Slug, Spend, ChannelResult),
    writes=(MarketingCampaign,),
)
def handler(request: Request, marketing_campaign_id: str, body: MarketingCampaignChange) -> MarketingCampaignView:
    """404 for an unknown marketing campaign or segment; 409 `MARKETING_CAMPAIGN_STATUS` once it was cancelled."""
    campaign = model.get(request.tenant, marketing_campaign_id)
    return view(planning.revise(campaign, body, request.actor, request.now), request.now)
