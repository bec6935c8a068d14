"""Finds work whose message vanished (rule 9): sends that were not planned, accounts with due chunks and no governor."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial

from pynamodb.expressions.update import Action

from drumbeat import clock, queues, table
from drumbeat.logs import logger
from drumbeat.sends import daily, due, environment, governing, moving, planning, senders, states
from drumbeat.sends.model import SHARDS, Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import ROLL_UP
from drumbeat.table import ConditionFailed

# A send is looked at again after this while it is open, and after that now and then for a day: should the last roll-up
# have been lost, another one makes its numbers right.
AGAIN, AGAIN_WHEN_OVER, LOOKED_AT = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# While all that is open waits for its time (a night, say), a roll-up finds nothing new and reads the whole send: it is
# looked at again when something is due, and after this at the latest.
AGAIN_WHEN_WAITING = timedelta(minutes=15)
# Wall time without a step of the planner, after which it is dead.
PLANNING_LATE = timedelta(minutes=2)
MOST_A_SHARD = 25


def partition(shard: int) -> str:
    return f"DUE#sends#{shard}"


def sort_key(at: datetime, send_id: str) -> str:
    return f"{clock.iso(at)}#{send_id}"


def sweep(now: datetime) -> dict[str, int]:
    """Look at every open send that is due, and at every provider account. One that fails holds up no other. Data that
    is not at home is left alone."""
    if not environment.look():
        return {"sends": 0, "accounts": 0}
    open_sends = list(_due_sends(now))
    for send in open_sends:
        _guarded(partial(_look_at, send, now), send.send_id)
    accounts = list(_accounts())
    for row in accounts:
        _guarded(partial(senders.refresh, row), row.account)
        _guarded(partial(_wake, row, now), row.account)
    return {"sends": len(open_sends), "accounts": len(accounts)}


def _guarded(look: Callable[[], None], what: str) -> None:
    try:
        look()
    except Exception:  # noqa: BLE001 - the others are looked at all the same, and this one again in a minute
        logger.exception("the sweep failed", extra={"what": what})


def _due_sends(now: datetime) -> Iterator[Send]:
    for shard in range(SHARDS):
        keys = [
            (pk, sk)
            for pk, sk, sort in table.keys_in_index(2, partition(shard), newest_first=False, limit=MOST_A_SHARD)
            if sort <= clock.iso(now)
        ]
        yield from Send.many(keys)


def _look_at(send: Send, now: datetime) -> None:
    """Plan what was not planned, hand what is due to the governor, add up; and come back, or leave it alone."""
    over = send.finished_at is not None
    started, due_at = list[str](), None
    if over and send.finished_at + LOOKED_AT < now and not _any_due(send):
        later: list[Action] = [Send.gsi2pk.remove(), Send.gsi2sk.remove()]
    else:
        if not over:
            started, due_at = _carry_on(send, now)
        later = [Send.gsi2sk.set(sort_key(now + _again(send, due_at, now), send.send_id))]
        queues.send(ROLL_UP, send.tenant, [{"tenant": send.tenant, "send": send.send_id}])
    later.append(Send.swept_at.set(now))
    if started:
        later.append(Send.restarted.set({**(send.restarted or {}), **dict.fromkeys(started, clock.iso(now))}))
    try:
        send.change(*later, condition=Send.gsi2sk == send.gsi2sk)
    except ConditionFailed:
        return


def _again(send: Send, due_at: datetime | None, now: datetime) -> timedelta:
    """How long until the send is looked at again; `due_at` is when the next of its chunks is due."""
    if send.finished_at is not None:
        return AGAIN_WHEN_OVER
    if daily.is_daily(send):
        return daily.AGAIN
    if due_at is None or not send.planned_whole:
        return AGAIN
    return min(max(AGAIN, due_at - now), AGAIN_WHEN_WAITING)


def _any_due(send: Send) -> bool:
    return any(due.next_at(account, send.send_id) for account in moving.accounts(send))


def _carry_on(send: Send, now: datetime) -> tuple[list[str], datetime | None]:
    """Start what should be at work and is not; gives what was started, and when the next chunk is due."""
    started, upcoming = list[str](), list[datetime]()
    silent = (send.planned_at or clock.wall_time_of(send.launched_at)) < clock.wall() - PLANNING_LATE
    if daily.is_daily(send):
        daily.seal(send, now)
    elif not send.planned_whole and silent:
        logger.warning("planning is late, starting it again", extra={"send": send.send_id})
        planning.start(send, f"-{int(clock.wall().timestamp())}")
        started.append("planner")
    for account in moving.accounts(send):
        at = governing.next_at(send, now, account)
        upcoming += [at] if at else []
        if at is None or at > now or states.rests(send):
            continue
        if f"{send.tenant}#{send.send_id}" not in (senders.get(account).work or ()):
            senders.add_work(account, send.tenant, send.send_id)
            started.append("governor")
    return started, min(upcoming, default=None)


def _accounts() -> Iterator[Sender]:
    keys = [(pk, sk) for pk, sk, _ in table.keys_in_index(1, senders.ALL)]
    yield from Sender.many(keys)


def _wake(row: Sender, now: datetime) -> None:
    """Start a governor where chunks are due and none is at work."""
    sends = Send.many([Send.key(*work.split("#")) for work in sorted(row.work or ())])
    upcoming = {send.send_id: governing.next_at(send, now, row.account) for send in sends if not states.rests(send)}
    over = [send for send in sends if send.finished_at is not None and upcoming.get(send.send_id, now) is None]
    if over:  # its last roll-up came behind its governor: looked at for ever, it would cost each minute
        senders.forget_work(row, [f"{send.tenant}#{send.send_id}" for send in over])
    waiting = any(at is not None and at <= now for at in upcoming.values())
    if not waiting or not governing.is_dead(row):
        return
    # The generation that should be at work may have died: end it, so that the next one can be started.
    if senders.end_generation(row, [], successor=True, revived=True):
        senders.start_governor(row.account, int(row.generation))
