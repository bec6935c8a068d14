"""Change a campaign that has not been launched."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model, planning
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignChange, CampaignView, view
from drumbeat.http import Request, http


@http(
    "PATCH /v1/campaigns/{campaign_id}",
    scope="campaigns:write",
    reads=(Tenant, *REFERS),
    writes=(Campaign,),
)
def handler(request: Request, campaign_id: str, body: CampaignChange) -> CampaignView:
    """404 for an unknown campaign, segment or template; 409 `CAMPAIGN_STATUS` once it was launched."""
    campaign = model.get(request.tenant, campaign_id)
    return view(planning.revise(campaign, body, request.now))
