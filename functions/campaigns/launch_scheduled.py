"""Launch a campaign whose time has come."""

from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import lifecycle
from drumbeat.campaigns.declared import LAUNCHES, REFERS
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.work import LAUNCH, LaunchMessage
from drumbeat.queue import queue
from drumbeat.segments.model import BACKFILL
from drumbeat.sends.work import DISPATCH


@queue(
    LAUNCH,
    reads=(Tenant, *REFERS),
    writes=(Campaign, *LAUNCHES),
    publishes=("marketing.campaign.completed",),
    starts=(DISPATCH, BACKFILL),
    calls=("ses:GetAccount",),
    memory=512,
)
def handler(message: LaunchMessage) -> None:
    """The schedule may fire twice, late, or after the campaign was changed: see `lifecycle.launch_scheduled`."""
    lifecycle.launch_scheduled(message.tenant, message.campaign, message.revision, clock.business())
