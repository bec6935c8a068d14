"""Send a campaign to the recipients that the request names, or, without any, to its audience."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model, named
from drumbeat.campaigns.declared import LAUNCHES, REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.named import Sent
from drumbeat.campaigns.views import Recipient
from drumbeat.contacts.model import WRITES as CONTACTS
from drumbeat.contacts.suppressions import Suppression
from drumbeat.http import UPLOAD, Request, http
from drumbeat.segments.model import BACKFILL, Member, Segment
from drumbeat.sends.work import DISPATCH


@http(
    "POST /v1/campaigns/{campaign_id}/send",
    scope="campaigns:send",
    limit=UPLOAD,
    status=202,
    reads=(Tenant, Suppression, *REFERS),
    writes=(Campaign, *CONTACTS, Segment, Member, *LAUNCHES),
    starts=(DISPATCH, BACKFILL),
    calls=("ses:GetAccount",),
    memory=512,
    timeout=29,
)
def handler(request: Request, campaign_id: str, body: list[Recipient]) -> Sent:
    """A bare array of at most 1,000. 409 `CAMPAIGN_STATUS`, `RESTORED_COPY`; 422 `CAMPAIGN_NOT_READY`, or with every
    bad entry."""
    campaign = model.get(request.tenant, campaign_id)
    return named.send(campaign, body, request.actor, request.now)
