"""Finds work whose message vanished (rule 9): sends that were not planned, accounts with due chunks and no governor."""

import itertools
from collections.abc import Iterator
from datetime import datetime, timedelta

from pynamodb.expressions.update import Action

from drumbeat import clock, queues, table
from drumbeat.logs import logger
from drumbeat.sends import due, governing, planning, senders
from drumbeat.sends.model import ENDED, SHARDS, Send, SendState
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import ROLL_UP
from drumbeat.table import ConditionFailed

# A send is looked at again after this, while it is open.
AGAIN = timedelta(minutes=1)
PLANNING_LATE = timedelta(minutes=2)
MOST = 200


def partition(shard: int) -> str:
    return f"DUE#sends#{shard}"


def sort_key(at: datetime, send_id: str) -> str:
    return f"{clock.iso(at)}#{send_id}"


def sweep(now: datetime) -> dict[str, int]:
    """Look at every open send that is due, and at every provider account."""
    open_sends = list(itertools.islice(_due_sends(now), MOST))
    for send in open_sends:
        _look_at(send, now)
    accounts = list(_accounts())
    for row in accounts:
        senders.refresh(row)
        _wake(row, now)
    return {"sends": len(open_sends), "accounts": len(accounts)}


def _due_sends(now: datetime) -> Iterator[Send]:
    for shard in range(SHARDS):
        keys = [
            (pk, sk)
            for pk, sk, sort in table.keys_in_index(2, partition(shard), newest_first=False, limit=MOST)
            if sort <= clock.iso(now)
        ]
        yield from Send.many(keys)


def _look_at(send: Send, now: datetime) -> None:
    """Plan what was not planned; add up; and come back, or leave it alone when it has ended."""
    if send.state in ENDED and due.next_at(send.account, send.send_id) is None:
        later: list[Action] = [Send.gsi2pk.remove(), Send.gsi2sk.remove()]
    else:
        later = [Send.gsi2sk.set(sort_key(now + AGAIN, send.send_id))]
        if not send.planned_whole and send.state not in ENDED and send.launched_at < now - PLANNING_LATE:
            logger.warning("planning is late, starting it again", extra={"send": send.send_id})
            planning.start(send, f"-{int(clock.wall().timestamp())}")
        queues.send(ROLL_UP, send.tenant, [{"tenant": send.tenant, "send": send.send_id}])
    try:
        send.change(*later, condition=Send.gsi2sk == send.gsi2sk)
    except ConditionFailed:
        return


def _accounts() -> Iterator[Sender]:
    keys = [(pk, sk) for pk, sk, _ in table.keys_in_index(1, "SENDERS")]
    yield from Sender.many(keys)


def _wake(row: Sender, now: datetime) -> None:
    """Start a governor where chunks are due and none is at work."""
    sends = Send.many([Send.key(*work.split("#")) for work in sorted(row.work or ())])
    waiting = any(
        at is not None and at <= now
        for send in sends
        if send.state != SendState.PAUSED
        for at in [due.next_at(row.account, send.send_id)]
    )
    if not waiting or not governing.is_dead(row):
        return
    # The generation that should be at work may have died: end it, so that the next one can be started.
    if senders.end_generation(row, [], successor=True):
        senders.start_governor(row.account, int(row.generation))
