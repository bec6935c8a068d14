"""Launch a campaign at a time."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.declared import REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, Schedule, view
from drumbeat.campaigns.work import LAUNCH
from drumbeat.http import Request, http


@http(
    "POST /v1/campaigns/{campaign_id}/schedule",
    scope="campaigns:send",
    reads=(Tenant, *REFERS),
    writes=(Campaign,),
    publishes=("marketing.campaign.completed",),
    schedules=(LAUNCH,),
    memory=512,
)
def handler(request: Request, campaign_id: str, body: Schedule) -> CampaignView:
    """A time long past expires the campaign at once. 409 `CAMPAIGN_STATUS`; 422 `CAMPAIGN_NOT_READY`."""
    campaign = model.get(request.tenant, campaign_id)
    return view(lifecycle.schedule(campaign, body.scheduled_at, request.now, local=body.local_send_at))
