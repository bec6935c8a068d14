"""Show a campaign."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http(
    "GET /v1/campaigns/{campaign_id}",
    scope="campaigns:read",
    reads=(Campaign, Slug, Tenant),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """404 for an unknown campaign."""
    return view(model.get(request.tenant, campaign_id))
