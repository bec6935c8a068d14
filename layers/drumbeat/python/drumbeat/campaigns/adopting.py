"""Adopting data that was restored from a backup: from then on the deployment that has it may send.

Whoever was sent after the backup was made is not known here. So what was being sent is paused and goes on only when a
person answers for it; schedules that are overdue expire; mails that ask for a confirmation and were due are not sent by
themselves. Each step may be repeated, and the row that lets anything leave is changed last.
"""

from collections.abc import Callable, Iterator
from datetime import datetime

from pynamodb.expressions.update import Action

from drumbeat import clock, table
from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.answers import RESTORED
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.contacts.opt_in import lapsing, request_rows
from drumbeat.contacts.opt_in import model as opt_in
from drumbeat.contacts.opt_in.model import OptIn, due_again
from drumbeat.fields import Body, View
from drumbeat.logs import logger
from drumbeat.sends import environment, senders, sweeping
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import SHARDS, Send, SendState
from drumbeat.sends.senders import Sender
from drumbeat.table import ConditionFailed, Entity

WRITES: tuple[type[Entity], ...] = (Environment, Send, Sender, Campaign, OptIn)
PUBLISHES = ("marketing.campaign.completed",)
_OPEN = (Status.SENDING.value, Status.PAUSED.value)


class Adoption(Body):
    """Adopt the data. With `check` nothing is changed."""

    check: bool = False


class Adopted(View):
    """What was done: `already` says that the data was at home. `from_environment` is the table it was written in."""

    already: bool
    from_environment: str | None
    to_environment: str
    sends_paused: int
    schedules_expired: int
    confirmations_stopped: int
    journeys_paused: int = 0


def adopt(asked: Adoption, now: datetime, journeys: Callable[[], int] = lambda: 0) -> Adopted:
    """`journeys` pauses those, and gives how many. Raises RestoredCopy when the functions were deployed for another
    table. Reads Tenant; writes `WRITES`."""
    before = Environment.fetch(*Environment.key())
    home = environment.noted(before)
    counts = {"sends_paused": 0, "schedules_expired": 0, "confirmations_stopped": 0, "journeys_paused": 0}
    if not home and not asked.check:
        environment.require_deployed()
        counts = {
            "sends_paused": sum(_pause(send, now) for send in _open_sends()),
            "schedules_expired": sum(_expire(campaign, now) for campaign in _overdue(now)),
            "confirmations_stopped": sum(_stop(row, now) for row in _asked()),
            "journeys_paused": journeys(),
        }
        _new_governors()
        environment.adopt()
        logger.warning("a restored copy was adopted", extra=counts)
    return Adopted(
        already=home,
        from_environment=before.belongs_to if before else None,
        to_environment=environment.ours(),
        **counts,
    )


def _listed(partition: str) -> list[tuple[str, str, str]]:
    """A whole partition of the index of due work, before anything in it is moved."""
    return list(table.keys_in_index(2, partition, newest_first=False))


def _open_sends() -> Iterator[Send]:
    for shard in range(SHARDS):
        keys = [(pk, sk) for pk, sk, _ in _listed(sweeping.partition(shard))]
        yield from Send.many(keys)


def _pause(send: Send, now: datetime) -> bool:
    """Let a send rest, and give it to this environment; whether it may have been at work. Somebody may be cancelling
    it at the same time."""
    paused = table.retried(lambda: _paused(send))
    may_send = paused.reason == RESTORED
    if may_send:
        _follow(paused, now)
    return may_send


def _paused(send: Send) -> Send:
    cls = Send
    send.refresh(consistent_read=True)
    actions: list[Action] = [cls.environment.set(environment.ours())]
    if send.finished_at is None and send.state in (SendState.SENDING, SendState.PAUSED):
        actions += [cls.state.set(SendState.PAUSED.value), cls.reason.set(RESTORED), cls.stopped.remove()]
    send.change(*actions, condition=cls.state == send.state)
    return send


def _follow(send: Send, now: datetime) -> None:
    """Its campaign shows it."""
    campaign = Campaign.fetch(*Campaign.key(send.tenant, send.campaign))
    if campaign is not None and campaign.status in _OPEN:
        model.change(campaign, now, status=Status.PAUSED.value, reason=RESTORED)


def _overdue(now: datetime) -> Iterator[Campaign]:
    """Scheduled campaigns whose time has come since the backup was made, as far as anybody knows."""
    for shard in range(SHARDS):
        keys = [(pk, sk) for pk, sk, _ in _listed(f"DUE#campaigns#{shard}")]
        for campaign in Campaign.many(keys):
            if campaign.status == Status.SCHEDULED and campaign.scheduled_at and campaign.scheduled_at <= now:
                yield campaign


def _expire(campaign: Campaign, now: datetime) -> bool:
    try:
        lifecycle.expire(campaign, campaign.scheduled_at or now, now)
    except WrongStatus:
        return False  # somebody has just decided about it
    return True


def _asked() -> Iterator[OptIn]:
    for shard in range(opt_in.SHARDS):
        keys = [(pk, sk) for pk, sk, _ in _listed(opt_in.partition(shard))]
        yield from (row for row in OptIn.many(keys) if row.state in ("due", "sending"))


def _stop(row: OptIn, now: datetime) -> bool:
    """Its mail may have left after the backup was made. It can be asked for again."""
    if row.state == "sending":
        lapsing.doubt(row)
        return True
    again = due_again(row, now + request_rows.lasts(row.tenant))
    try:
        row.change(OptIn.state.set("blocked"), OptIn.reason.set(RESTORED), *again, unchanged=True)
    except ConditionFailed:
        return False
    return True


def _new_governors() -> None:
    """Governors are started by the number of their generation, and no name twice. Those after the backup have had
    their numbers here, so they go on at one that none can have reached."""
    for row in Sender.many((pk, sk) for pk, sk, _ in table.keys_in_index(1, senders.ALL)):
        later = max(int(row.generation) + 1, int(clock.wall().timestamp()))
        row.change(Sender.generation.set(later), Sender.governed_at.remove())
