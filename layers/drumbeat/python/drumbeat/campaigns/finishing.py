"""What keeps campaigns in step with their sends: roll-ups, the end of a send, schedules that did not fire."""

import itertools
from datetime import datetime

from drumbeat import clock, queues, table
from drumbeat.campaigns import lifecycle
from drumbeat.campaigns.model import Campaign, Status
from drumbeat.campaigns.results import counted
from drumbeat.campaigns.work import LAUNCH
from drumbeat.sends import daily, environment, reputation, rollups
from drumbeat.sends.model import SHARDS, Outcome, Send, SendState

MOST = 100
COUNTS = ("sent", "not_sent", "delivered", "bounced", "complained", "failed", "opened", "clicked", "unsubscribed")


def roll_up(tenant: str, send_id: str, now: datetime) -> None:
    """Compute and keep a send's totals, and end it when nothing of it is open."""
    named = Send.fetch(*Send.key(tenant, send_id))
    if named is not None and daily.is_daily(named):
        _roll_up_daily(named, now)
        return
    campaign = Campaign.fetch(*Campaign.key(tenant, named.campaign)) if named else None
    # Read behind the campaign: what the send says then is newer, and the campaign's own changes are conditional.
    send = Send.fetch(*Send.key(tenant, send_id))
    if send is None or campaign is None:
        return
    numbers = rollups.store(tenant, send, now).numbers
    send = reputation.after_roll_up(send, numbers, now)
    lifecycle.follow(campaign, send, now)
    if numbers["open"] or not numbers["planned"]:
        return
    told = {name: counted(numbers)[name] for name in COUNTS}
    if send.state in (SendState.SENDING, SendState.PAUSED):
        expired = numbers["outcomes"].get(Outcome.EXPIRED, 0)
        lifecycle.finish(campaign, send, told, now, expired=expired)
    elif send.state == SendState.CANCELLED and send.finished_at is None:
        lifecycle.close_cancelled(campaign, send, told, now)


def _roll_up_daily(send: Send, now: datetime) -> None:
    """The same for a send that belongs to a journey: no campaign follows it."""
    numbers = rollups.store(send.tenant, send, now).numbers
    send = reputation.after_roll_up(send, numbers, now)
    if not numbers["open"] and numbers["planned"]:
        daily.finish(send, numbers["recipients"], now)


def sweep(now: datetime) -> int:
    """Queue the launch of campaigns whose schedule is overdue; of data that is not at home they stay scheduled."""
    late = 0
    if not environment.is_home():
        return late
    for shard in range(SHARDS):
        keys = table.keys_in_index(2, f"DUE#campaigns#{shard}", newest_first=False, limit=MOST)
        overdue = itertools.takewhile(lambda key: key[2] <= clock.iso(now), keys)
        for campaign in Campaign.many((pk, sk) for pk, sk, _ in overdue):
            if campaign.status == Status.SCHEDULED:
                message = {
                    "tenant": campaign.tenant, "campaign": campaign.campaign_id, "revision": int(campaign.revision)
                }  # fmt: skip
                queues.send(LAUNCH, campaign.tenant, [message])
                late += 1
    return late
