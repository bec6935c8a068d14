"""The planner: writes a send's chunks over disjoint, ordered ranges of contact ids.

A step that is repeated goes on from the end of the last *stored* chunk, so nobody is planned twice, whatever happens
to the step; and as ranges are ordered, somebody who joins or leaves a segment meanwhile is in one chunk or in none.
"""

import contextlib
import itertools
from collections.abc import Iterator
from typing import Any

from pynamodb.expressions.condition import size as size_of

from drumbeat import clock, machines, table
from drumbeat.activity import frames
from drumbeat.events import Outbox, outbox
from drumbeat.segments import model as segments
from drumbeat.sends import due, environment, grouping, moving, reputation, rollups, senders, states
from drumbeat.sends.audience import Audience, contact_ids
from drumbeat.sends.grouping import Group, Page
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Place, Send, SendState, pack
from drumbeat.sends.work import DISPATCH
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

CHUNKS_A_STEP = 200
# Business seconds.
WAIT_FOR_SEGMENTS = 30
# Why a send is paused; its campaign shows it.
EXCLUDED_GONE = "excluded_segment_deleted"


def start(send: Send, attempt: str = "") -> None:
    """Start the dispatch machine of a send; `attempt` names another run, should the first one have died."""
    machines.start(DISPATCH, f"{send.send_id}{attempt}", {"tenant": send.tenant, "send": send.send_id})


def plan(state: dict[str, Any]) -> dict[str, Any]:
    """One step of the dispatch machine: `tenant` and `send` in; the same and `done` out."""
    tenant, send_id = state["tenant"], state["send"]
    if not environment.is_home():
        return {**state, "done": True}  # once the data is adopted, a sweep starts it again
    send = Send.fetch(*Send.key(tenant, send_id))
    if send is None or send.planned_whole or send.state == SendState.SENT:
        return {**state, "done": True}
    if send.planned_at is None and reputation.before_planning(send, clock.business()):
        rollups.request(tenant, send_id, send.launched_at)
    send.change(Send.planned_at.set(clock.wall()))
    if _excluded_gone(send):
        states.pause(tenant, send_id, EXCLUDED_GONE)
        rollups.request(tenant, send_id, send.launched_at)
        return {**state, "done": True}
    if not _segments_ready(send):
        return {**state, "done": False, "wait_seconds": WAIT_FOR_SEGMENTS}
    done = {int(shard) for shard in send.planned or ()}
    room = CHUNKS_A_STEP
    for shard in (shard for shard in range(int(send.plan_shards)) if shard not in done):
        written = _plan_shard(send, shard, room)
        room -= written
        if room <= 0:
            break
        _planned(send, shard)
    for account in moving.accounts(send, planning=True):
        senders.add_work(account, tenant, send_id)
    rollups.request(tenant, send_id, send.launched_at)
    return {**state, "done": send.planned_whole, "wait_seconds": 0}


def _excluded_gone(send: Send) -> bool:
    """Whether nobody knows any more who is to be left out, because a segment was deleted since the launch. Then nothing
    may leave; what is cancelled is planned all the same, so that it says who was not sent."""
    excluded = Audience(**send.audience).exclude
    rows = segments.Segment.many(segments.Segment.key(send.tenant, segment_id) for segment_id in excluded)
    there = {row.segment_id for row in rows if row.state != segments.State.DELETING}
    return send.state != SendState.CANCELLED and not there.issuperset(excluded)


def _segments_ready(send: Send) -> bool:
    """A segment that is still being filled would leave people out."""
    audience = Audience(**send.audience)
    named = [*audience.segments, *audience.exclude, *([audience.only] if audience.only else [])]
    found = [segments.find(send.tenant, segment_id) for segment_id in named]
    return all(segment is None or segment.state != segments.State.BUILDING for segment in found)


def _plan_shard(send: Send, shard: int, most: int) -> int:
    """Write up to `most` chunks of a shard; fewer than that means that its audience has been read to the end."""
    last = _last(send, shard)
    number, after = (int(last.sk) + 1, last.range_end or last.contacts[-1]) if last else (0, None)
    through = int(last.through) if last else 0
    people = contact_ids(send.tenant, Audience(**send.audience), shard, int(send.plan_shards), after)
    if grouping.is_grouped(send):
        return _plan_pages(send, shard, number, through, grouping.pages(send, people), most)
    for written in range(most):
        batch = list(itertools.islice(people, int(send.chunk_size)))
        if not batch:
            return written
        chunk = chunk_of(send, shard, number + written, batch)
        chunk.through = through = through + len(batch)
        try:
            chunk.create()
        except ConditionFailed:
            # A repetition of this step is at work at the same time; the rest of this shard is for the next step.
            return most
    return most


def _plan_pages(send: Send, shard: int, number: int, through: int, pages: Iterator[Page], most: int) -> int:
    """The same for a send whose recipients are grouped: a page's chunks are written together or not at all."""
    written = 0
    for page in pages:
        through += page.number
        transaction = Transaction()
        for group, people in page.chunks:
            chunk = chunk_of(send, shard, number + written, people, group)
            chunk.range_end, chunk.through = page.end, through
            transaction.create(chunk)
            written += 1
        try:
            transaction.commit()
        except TransactionRefused:
            return most  # as above
        if written >= most:
            return written
    return written


def _planned(send: Send, shard: int) -> None:
    """Write down that a shard is planned, and how many it has; once, however often the step is repeated. With the last
    one the audience is frozen, and `marketing.campaign.launched` says how large it is."""
    last = _last(send, shard)
    size = int(last.through) if last else 0
    for _ in range(int(send.plan_shards)):
        known = len(send.planned or ())
        alone = Send.planned.does_not_exist()
        if known:
            alone = size_of(Send.planned) == known  # type: ignore[no-untyped-call]
        transaction = Transaction().update(
            Send, send.pk, send.sk, [Send.planned.add({shard}), Send.audience_size.add(size)], alone
        )
        if known + 1 == int(send.plan_shards):
            transaction.create(_launched(send, int(send.audience_size) + size))
        with contextlib.suppress(TransactionRefused):  # a repetition of this step has planned one meanwhile
            transaction.commit()
        send.refresh(consistent_read=True)
        if shard in (send.planned or ()):
            return


def _launched(send: Send, size: int) -> Outbox:
    told = send.launch
    data = frames.campaign_launched(
        send.campaign,
        told["name"],
        send.channel,
        segment_id=told["segment_id"],
        segment_size=size,
        start=send.launched_at,
        time_zone=told["time_zone"],
        budget_minor=told["budget_minor"],
        currency=told["currency"],
    )
    return outbox("marketing.campaign.launched", send.tenant, send.send_id, send.launched_at, data, send.created_by)


def _last(send: Send, shard: int) -> Chunk | None:
    """The last chunk of a shard that is stored."""
    return next(
        iter(table.rows(Chunk, f"CHUNK#{send.tenant}#{send.send_id}#{shard}", newest_first=True, limit=1)), None
    )


def chunk_of(send: Send, shard: int, number: int, contact_ids: list[str], group: Group | None = None) -> Chunk:
    """A chunk that is due now, or when its group is. Of a send that was cancelled it says who was not sent."""
    place = Place(send.tenant, send.send_id, shard, number)
    if send.state == SendState.CANCELLED:
        cancelled = Outcome.CANCELLED * len(contact_ids)
        state = ChunkState.DONE.value
        return Chunk(*place.chunk_key, state=state, recipients=pack(contact_ids), outcomes=cancelled)
    not_before, account = (group.not_before, group.account) if group else (None, None)
    return Chunk(
        *place.chunk_key,
        gsi2pk=due.partition(account or send.account, send.send_id, shard),
        gsi2sk=due.sort_key(not_before or clock.business(), ChunkState.PENDING, len(contact_ids), place),
        state=ChunkState.PENDING.value,
        account=account,
        not_before=not_before,
        recipients=pack(contact_ids),
        outcomes=Outcome.TO_DO * len(contact_ids),
    )
