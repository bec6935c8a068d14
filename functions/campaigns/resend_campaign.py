"""Send a campaign again to exactly those who were not sent, or who have not read it."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle, model, resending
from drumbeat.campaigns.declared import LAUNCHES, REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.resending import NewResend
from drumbeat.campaigns.views import CampaignView, view
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.segments.model import BACKFILL
from drumbeat.sends.work import DISPATCH
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/resend",
    scope="campaigns:write",
    status=201,
    reads=(Tenant, *REFERS),
    writes=(Campaign, Slug, Count, *LAUNCHES),
    starts=(DISPATCH, BACKFILL),
    calls=("ses:GetAccount",),
    memory=512,
)
def handler(request: Request, campaign_id: str, body: NewResend) -> CampaignView:
    """409 `CAMPAIGN_STATUS` before the campaign has ended, `ALREADY_RESENT` if another resend has these recipients."""
    if body.send_type == "immediate":
        request.require("campaigns:send")
    made = resending.make(model.get(request.tenant, campaign_id), body, request.actor, request.now)
    if made.status == "draft" and body.send_type == "immediate":
        made = lifecycle.launch(made, request.actor, request.now)
    return view(made)
