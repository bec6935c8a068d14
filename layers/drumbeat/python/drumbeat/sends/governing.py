"""The governor: releases the ids of due chunks at the account's rate, tenants in turn, at most two minutes' worth.

It runs in Step Functions while there is work. What it has put on the queue it never has to look at again: a chunk whose
message got lost becomes due again by itself.
"""

import itertools
import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from drumbeat import clock, queues
from drumbeat.sends import circuit, due, environment, moving, pacing, quotas, senders, states
from drumbeat.sends.due import Due
from drumbeat.sends.model import ENDED, ChunkState, Send
from drumbeat.sends.pacing import Pace
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import DELIVER
from drumbeat.table import ConditionFailed

HORIZON = timedelta(seconds=120)
# After this a released chunk that nobody claimed is released again: longer than the horizon and a queue's usual delay.
RELEASED_FOR = timedelta(minutes=6)
MOST_A_ROUND = 400
# Each is read and written; a round has a minute.
MOST_MOVED = 200
# Business seconds between rounds while there is work; wall time is what the rate is held against.
PAUSE, PAUSE_BUSY = 30, 1
# Step Functions ends an execution at 25,000 events in its history; a round has about eight.
MOST_ROUNDS = 2_500
END_OF_NUMBERS = 10**9
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
# Without a sign of life for so long (wall time), a governor is dead.
SILENCE = timedelta(minutes=3)


def govern(state: dict[str, Any]) -> dict[str, Any]:
    """One round: `account`, `generation` and `round` in; the same and `done` or `wait_seconds` out."""
    row = senders.get(state["account"])
    if int(row.generation) != int(state["generation"]):
        return {**state, "done": True}
    after = {**state, "round": int(state["round"]) + 1, "done": False}
    if after["round"] > MOST_ROUNDS:
        return _hand_over(row, after)
    if not environment.is_home():
        return {**after, "done": True}  # once the data is adopted, a sweep starts another one
    now = clock.business()
    sends = _sends(row)
    waiting = {send.send_id: _kept(row, send, _waiting(row, send, now), now) for send in sends}
    if any(waiting.values()):
        released = _release(row, _in_turn(sends, waiting), {send.send_id: pacing.of(send, now) for send in sends})
        return {**after, "wait_seconds": PAUSE_BUSY if released >= MOST_A_ROUND else PAUSE}
    return {**after, "done": _nothing_left(row, sends, now), "wait_seconds": PAUSE}


def _kept(row: Sender, send: Send, waiting: list[Due], now: datetime) -> list[Due]:
    """What is due less what another account sends, because this one makes no calls for a while."""
    if not moving.is_called_for(row, send, now) or send.state in ENDED or states.is_expired(send):
        return waiting
    pending = [one for one in waiting if one.state == ChunkState.PENDING]
    return [one for one in waiting if one.state != ChunkState.PENDING] + moving.away(send, pending[:MOST_MOVED])


def _waiting(row: Sender, send: Send, now: datetime) -> list[Due]:
    """The send's chunks that are due. Of a paused one only those whose mails may have left: they have to be settled; of
    one with limits only as many others as they leave room for."""
    found = _found(row.account, send, now)
    rests = states.rests(send)
    priced = [_priced(one, send) for one in found if not (rests and one.state == ChunkState.PENDING)]
    room = quotas.room(send, now)
    if room is None:
        return priced
    before = itertools.accumulate((one.size for one in priced), initial=0)
    return [one for one, others in zip(priced, before, strict=False) if not one.size or others < room]


def _found(account: str, send: Send, now: datetime) -> list[Due]:
    """What is due. Of a send that is over also what would be later: it is closed without waiting for its time."""
    if not (send.state in ENDED or states.is_expired(send)):
        return list(due.chunks(account, send.send_id, now, MOST_A_ROUND))
    every = due.chunks(account, send.send_id, END_OF_TIME, MOST_A_ROUND)
    return [one for one in every if one.state == ChunkState.PENDING or one.sort <= clock.iso(now)]


def next_at(send: Send, now: datetime, account: str) -> datetime | None:
    """When chunks of the send are to be released over the account: as soon as one is due and the limits have room, or
    it is over."""
    if send.state in ENDED or states.is_expired(send):
        return now if _found(account, send, now) else due.next_at(account, send.send_id)
    at = due.next_at(account, send.send_id)
    return at if at is None or at > now else max(at, quotas.opens_at(send, now))


def is_dead(row: Sender) -> bool:
    """Whether an account that has due work has no governor at work on it."""
    return row.governed_at is None or row.governed_at < clock.wall() - SILENCE


def _sends(row: Sender) -> list[Send]:
    """The sends that have work for the account."""
    keys = [Send.key(*work.split("#")) for work in sorted(row.work or ())]
    return Send.many(keys)


def _hand_over(row: Sender, state: dict[str, Any]) -> dict[str, Any]:
    """End this execution and let the next generation go on."""
    if senders.end_generation(row, [], successor=True):
        senders.start_governor(row.account, int(row.generation))
        return {**state, "done": True}
    return {**state, "wait_seconds": PAUSE_BUSY}


def _nothing_left(row: Sender, sends: list[Send], now: datetime) -> bool:
    """End the generation when nothing will be due soon; the sweeper starts another one when something is."""
    upcoming = {send.send_id: next_at(send, now, row.account) for send in sends}
    soon = now + timedelta(seconds=2 * PAUSE)
    if any(at and at <= soon and not states.rests(send) for send in sends if (at := upcoming[send.send_id])):
        return False
    # That the index shows nothing is no proof, it may lag behind; a send says itself when it has no open chunk left.
    over = [send for send in sends if send.finished_at is not None]
    idle = [f"{send.tenant}#{send.send_id}" for send in over if upcoming[send.send_id] is None]
    return senders.end_generation(row, idle)


def _release(row: Sender, waiting: Iterator[Due], paces: dict[str, Pace]) -> int:
    """Put due chunks on the queue, each delayed to its place in the account's rate and in its send's; how many."""
    wall = clock.wall()
    again = clock.business() + RELEASED_FOR * clock.SCALE
    rate = senders.rate_now(row, wall)
    start, room = senders.take(row, END_OF_NUMBERS, wall, HORIZON)
    chosen = list(itertools.islice(_callable(waiting, _calls(row) if room else 0), MOST_A_ROUND))
    taken = 0
    messages: list[tuple[int, Due]] = []
    for one in chosen:
        if one.size and taken + one.size > room:
            continue  # what costs nothing, settling and closing, is not held up by what does
        pace = paces[one.place[1]]
        delay = max((start + timedelta(seconds=taken / rate) - wall).total_seconds(), pace.delay)
        if one.size and delay > HORIZON.total_seconds():
            continue
        if due.put_off(one, again):
            messages.append((max(0, math.ceil(delay) if pace.rate else int(delay)), one))
            taken += one.size
            pace.take(one.size)
    _queue(messages, wall)
    for pace in paces.values():
        pace.keep()
    try:
        senders.given(row, start, taken)
    except ConditionFailed:
        # Another governor has taken over and counts for itself; what was released here is on its way only once.
        return 0
    return len(messages)


def _calls(row: Sender) -> int:
    """How many chunks that call the provider may be released in a round: one as the probe of a circuit that is not
    closed, and before its time none."""
    if row.circuit is None:
        return MOST_A_ROUND
    return 1 if circuit.opens_at(row, clock.business()) is None else 0


def _callable(waiting: Iterator[Due], calls: int) -> Iterator[Due]:
    """The chunks less those whose call cannot be made now. What calls nobody is held up by no outage."""
    for one in waiting:
        if one.size:
            if calls == 0:
                continue
            calls -= 1
        yield one


def _queue(messages: list[tuple[int, Due]], released: datetime) -> None:
    """SQS takes the delay by message and ten messages a call; the tenant is the group of a fair queue."""
    at = clock.iso(released)
    ordered = sorted(messages, key=lambda pair: (pair[0], pair[1].place[0]))
    for (delay, tenant), group in itertools.groupby(ordered, key=lambda pair: (pair[0], pair[1].place[0])):
        places = [one.place for _, one in group]
        bodies = [
            {"tenant": place[0], "send": place[1], "shard": place[2], "number": place[3], "released": at}
            for place in places
        ]
        queues.send(DELIVER, tenant, bodies, delay=delay)


def _in_turn(sends: list[Send], waiting: dict[str, list[Due]]) -> Iterator[Due]:
    """One chunk of each tenant in turn, so that a large send holds up nobody else; a tenant's own sends share its
    turns."""
    by_tenant: dict[str, Iterator[Due]] = {}
    for tenant, group in itertools.groupby(sorted(sends, key=lambda send: send.tenant), key=lambda send: send.tenant):
        by_tenant[tenant] = _alternating([waiting.get(send.send_id, []) for send in group])
    yield from _alternating([list(dues) for dues in by_tenant.values()])


def _alternating(lists: list[list[Due]]) -> Iterator[Due]:
    for row in itertools.zip_longest(*lists):
        yield from (one for one in row if one is not None)


def _priced(one: Due, send: Send) -> Due:
    """Only a chunk that will be sent takes capacity: settling one, or closing a cancelled one, calls no provider."""
    free = one.state != ChunkState.PENDING or send.state in ENDED or states.is_expired(send)
    return one._replace(size=0) if free else one
