"""Take a campaign out of the list."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import archiving, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/archive",
    scope="campaigns:write",
    reads=(Slug, Tenant),
    writes=(Campaign, Count),
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """409 `CAMPAIGN_STATUS` while it is scheduled or under way; what it did stays to be seen."""
    campaign = model.get(request.tenant, campaign_id)
    return view(archiving.archive(campaign, request.now))
