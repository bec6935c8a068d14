"""Show a campaign."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.rate_limits import held_back, rate_limit
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.deliverability.model import Identity
from drumbeat.http import Request, http
from drumbeat.sends.model import Send
from drumbeat.sends.quotas import Quota
from drumbeat.sends.totals import Totals
from drumbeat.slugs import Slug


@http(
    "GET /v1/campaigns/{campaign_id}",
    scope="campaigns:read",
    reads=(Campaign, Slug, Tenant, Send, Quota, Identity, Totals),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """404 for an unknown campaign."""
    campaign = model.get(request.tenant, campaign_id)
    return view(campaign, rate_limit(campaign, request.now), held_back(campaign, request.now))
