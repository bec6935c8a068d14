"""Put an archived campaign back into the list."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import archiving, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/unarchive",
    scope="campaigns:write",
    reads=(Slug, Tenant),
    writes=(Campaign, Count),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """404 for an unknown campaign."""
    campaign = model.get(request.tenant, campaign_id)
    return view(archiving.unarchive(campaign, request.now))
