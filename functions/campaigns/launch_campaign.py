"""Launch a campaign now."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.declared import LAUNCHES, REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.http import Request, http
from drumbeat.segments.model import BACKFILL
from drumbeat.sends.work import DISPATCH


@http(
    "POST /v1/campaigns/{campaign_id}/launch",
    scope="campaigns:send",
    reads=(Tenant, *REFERS),
    writes=(Campaign, *LAUNCHES),
    starts=(DISPATCH, BACKFILL),
    calls=("ses:GetAccount",),
    memory=512,
)
def handler(request: Request, campaign_id: str) -> CampaignView:
    """409 `CAMPAIGN_STATUS` when it was launched before, `RESTORED_COPY` when the data was restored and is not adopted;
    422 `CAMPAIGN_NOT_READY` with everything that is missing."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.launch(campaign, request.actor, request.now))
