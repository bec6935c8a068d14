"""The planner: writes a send's chunks over disjoint, ordered ranges of contact ids.

A step that is repeated goes on from the end of the last *stored* chunk, so nobody is planned twice, whatever happens
to the
step; and as ranges are ordered, somebody who joins or leaves a segment meanwhile is in one chunk or in none.
"""

import contextlib
import itertools
from typing import Any

from drumbeat import clock, machines, table
from drumbeat.activity import frames
from drumbeat.events import Outbox, outbox
from drumbeat.segments import model as segments
from drumbeat.sends import due, rollups, senders
from drumbeat.sends.audience import Audience, contact_ids
from drumbeat.sends.model import ENDED, Chunk, ChunkState, Outcome, Place, Send, pack
from drumbeat.sends.work import DISPATCH
from drumbeat.table import ConditionFailed

CHUNKS_A_STEP = 200
# Business seconds.
WAIT_FOR_SEGMENTS = 30


def start(send: Send, attempt: str = "") -> None:
    """Start the dispatch machine of a send; `attempt` names another run, should the first one have died."""
    machines.start(DISPATCH, f"{send.send_id}{attempt}", {"tenant": send.tenant, "send": send.send_id})


def plan(state: dict[str, Any]) -> dict[str, Any]:
    """One step of the dispatch machine: `tenant` and `send` in; the same and `done` out."""
    tenant, send_id = state["tenant"], state["send"]
    send = Send.fetch(*Send.key(tenant, send_id))
    if send is None or send.state in ENDED:
        return {**state, "done": True}
    send.change(Send.planned_at.set(clock.wall()))
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
    if send.planned_whole:
        _tell(send)
    senders.add_work(send.account, tenant, send_id)
    rollups.request(tenant, send_id, send.launched_at)
    return {**state, "done": send.planned_whole, "wait_seconds": 0}


def _segments_ready(send: Send) -> bool:
    """A segment that is still being filled would leave people out."""
    audience = Audience(**send.audience)
    named = [*audience.segments, *audience.exclude, *([audience.only] if audience.only else [])]
    found = [segments.find(send.tenant, segment_id) for segment_id in named]
    return all(segment is None or segment.state != segments.State.BUILDING for segment in found)


def _plan_shard(send: Send, shard: int, most: int) -> int:
    """Write up to `most` chunks of a shard; fewer than that means that its audience has been read to the end."""
    last = _last(send, shard)
    number, after = (int(last.sk) + 1, last.contacts[-1]) if last else (0, None)
    people = contact_ids(send.tenant, Audience(**send.audience), shard, int(send.plan_shards), after)
    for written in range(most):
        batch = list(itertools.islice(people, int(send.chunk_size)))
        if not batch:
            return written
        try:
            chunk_of(send, shard, number + written, batch).create()
        except ConditionFailed:
            # A repetition of this step is at work at the same time; the rest of this shard is for the next step.
            return most
    return most


def _planned(send: Send, shard: int) -> None:
    """Write down that a shard is planned, and how many it has; once, however often the step is repeated."""
    last = _last(send, shard)
    # All chunks of a shard are full but its last.
    size = int(last.sk) * int(send.chunk_size) + len(last.contacts) if last else 0
    free = Send.planned.does_not_exist() | ~Send.planned.contains(shard)
    try:
        send.change(Send.planned.add({shard}), Send.audience_size.add(size), condition=free)
    except ConditionFailed:
        send.refresh(consistent_read=True)


def _tell(send: Send) -> None:
    """The audience is frozen now: `marketing.campaign.launched` says how large it is."""
    with contextlib.suppress(ConditionFailed):  # a repetition of this step has told it
        _launched(send, int(send.audience_size)).create()


def _launched(send: Send, size: int) -> Outbox:
    told = send.launch
    data = frames.campaign_launched(
        send.campaign,
        told["name"],
        "email",
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


def chunk_of(send: Send, shard: int, number: int, contact_ids: list[str]) -> Chunk:
    """A chunk that is due now."""
    place = Place(send.tenant, send.send_id, shard, number)
    return Chunk(
        *place.chunk_key,
        gsi2pk=due.partition(send.account, send.send_id, shard),
        gsi2sk=due.sort_key(clock.business(), ChunkState.PENDING, len(contact_ids), place),
        state=ChunkState.PENDING.value,
        recipients=pack(contact_ids),
        outcomes=Outcome.TO_DO * len(contact_ids),
    )
