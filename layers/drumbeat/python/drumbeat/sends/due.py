"""Due work: a send's open chunks are in index 2 under account, send and lane, in the order of when they are due.

The sort key says what a governor must know without reading the chunk: `<time>#<state>#<recipients>#<shard>#<no>`.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from pynamodb.expressions.update import Action

from drumbeat import clock, table
from drumbeat.sends.model import LANES, Chunk, ChunkState, Place
from drumbeat.table import ConditionFailed


class Due(NamedTuple):
    """An open chunk as the index shows it."""

    place: Place
    state: str
    size: int
    sort: str


def partition(account: str, send_id: str, shard: int) -> str:
    """The index partition of a chunk; four lanes a send, so that none is hot."""
    return f"DUE#{account}#{send_id}#{shard % LANES}"


def sort_key(at: datetime, state: ChunkState, size: int, place: Place) -> str:
    _, _, shard, number = place
    return f"{clock.iso(at)}#{state.value}#{size:03d}#{shard}#{number}"


def chunks(account: str, send_id: str, now: datetime, most: int) -> Iterator[Due]:
    """The chunks due by now, soonest first within each lane; at most `most` of a lane."""
    for lane in range(LANES):
        for pk, sk, sort in table.keys_in_index(2, partition(account, send_id, lane), newest_first=False, limit=most):
            at, state, size = sort.split("#")[:3]
            if at > clock.iso(now):
                break
            _, tenant, _, shard = pk.split("#")
            yield Due(Place(tenant, send_id, int(shard), int(sk)), state, int(size), sort)


def next_at(account: str, send_id: str) -> datetime | None:
    """When the send's next open chunk is due; None when it has none."""
    soonest = [
        clock.parse(sort.split("#")[0])
        for lane in range(LANES)
        for _, _, sort in table.keys_in_index(2, partition(account, send_id, lane), newest_first=False, limit=1)
    ]
    return min(soonest, default=None)


def put_off(due: Due, until: datetime) -> bool:
    """Hand a chunk to the queue: it is not due again until `until`, when its message must have got lost.

    False when somebody else has touched the chunk: then it is theirs.
    """
    later = f"{clock.iso(until)}{due.sort[len(clock.iso(until)) :]}"
    try:
        Chunk.change_at(*due.place.chunk_key, Chunk.gsi2sk.set(later), condition=Chunk.gsi2sk == due.sort)
    except ConditionFailed:
        return False
    return True


def nothing() -> list[Action]:
    """The changes that take a chunk out of the index: nothing of it is open."""
    return [Chunk.gsi2pk.remove(), Chunk.gsi2sk.remove()]
