"""Create a marketing campaign: objective, budget, dates, channels and goals above e-mail campaigns."""

from drumbeat.accounts.model import Tenant
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.marketing import planning
from drumbeat.marketing.model import PREFIX, MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignView, NewMarketingCampaign, view
from drumbeat.segments.model import Definitions, Segment
from drumbeat.slugs import Slug


@http(
    "POST /v1/marketing-campaigns",
    scope="campaigns:write",
    status=201,
    reads=(Tenant, Segment, Definitions),
    writes=(MarketingCampaign, Slug, Count),
)
def handler(request: Request, body: NewMarketingCampaign) -> MarketingCampaignView:
    """404 for an unknown segment; 422 `VALIDATION_ERROR` for an unknown word, or an end before the start."""
    made = planning.make(request.tenant, request.new_id(PREFIX), body, request.actor, request.now)
    return view(made, request.now)
