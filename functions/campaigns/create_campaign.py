"""Create an e-mail campaign: a draft, or with send_type one that is launched or scheduled at once."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, planning
from drumbeat.campaigns.declared import LAUNCHES, REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.views import CampaignView, NewCampaign, view
from drumbeat.campaigns.work import LAUNCH
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.segments.model import BACKFILL
from drumbeat.sends.work import DISPATCH
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns",
    scope="campaigns:write",
    status=201,
    reads=(Tenant, *REFERS),
    writes=(Campaign, Slug, Count, *LAUNCHES),
    publishes=("marketing.campaign.completed",),
    starts=(DISPATCH, BACKFILL),
    schedules=(LAUNCH,),
    calls=("ses:GetAccount",),
    memory=512,
)
def handler(request: Request, body: NewCampaign) -> CampaignView:
    """404 for an unknown segment or template. With send_type: 422 `CAMPAIGN_NOT_READY` with what is missing."""
    if body.send_type != "draft":
        request.require("campaigns:send")
    made = planning.make(request.tenant, request.new_id("cmp"), body, request.actor, request.now)
    if made.status == "draft" and body.send_type == "immediate":
        made = lifecycle.launch(made, request.actor, request.now)
    if made.status == "draft" and body.send_type == "scheduled":
        made = lifecycle.schedule(made, body.scheduled_at, request.now)
    return view(made)
