"""Copy a campaign: a draft with the same plan."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import copying, model
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, Copy, view
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/duplicate",
    scope="campaigns:write",
    status=201,
    reads=(Tenant,),
    writes=(Campaign, Slug, Count),
)
def handler(request: Request, campaign_id: str, body: Copy) -> CampaignView:
    """404 for an unknown campaign. Times are left out: the copy is launched or scheduled by itself."""
    campaign = model.get(request.tenant, campaign_id)
    return view(copying.duplicate(campaign, request.new_id("cmp"), body.name, request.actor, request.now))
