"""How far a send is and what had to be settled, added up from its chunks: the sizes of sets, so it may be computed
again at any time. Pure."""

import heapq
from collections import Counter
from datetime import datetime
from typing import Any

from drumbeat import clock
from drumbeat.sends.model import Chunk, ChunkState, Outcome
from drumbeat.sends.moment import looking

# So many of the open chunks that are due next are named.
MOST_NEXT = 20


class Recovery:
    """Adds chunks up."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._held: dict[str, tuple[int, datetime]] = {}
        self._states: Counter[str] = Counter()
        self._due: dict[str, str] = {}
        self._since: datetime | None = None
        self._settled: Counter[str] = Counter()
        self._in_doubt = 0
        self._next: list[tuple[str, int, int]] = []

    def chunk(self, chunk: Chunk) -> None:
        self._states[chunk.state] += 1
        if chunk.state != ChunkState.DONE and chunk.gsi2sk:
            at = chunk.gsi2sk.split("#")[0]
            self._due[chunk.state] = min(at, self._due.get(chunk.state, at))
            self._next.append((at, *chunk.place[2:]))
            if len(self._next) > 100 * MOST_NEXT:
                self._next = heapq.nsmallest(MOST_NEXT, self._next)
        for why, until in looking.waits(chunk, self._now).values():
            number, soonest = self._held.get(why, (0, until))
            self._held[why] = number + 1, min(soonest, until)
        doubts = len(chunk.in_doubt)
        if doubts and chunk.unknown_since:
            self._since = min(chunk.unknown_since, self._since or chunk.unknown_since)
        self._in_doubt += doubts
        self._settled.update({by: len(numbers) for by, numbers in (chunk.settled or {}).items()})
        self._settled["again"] += len(chunk.doubted or ())
        self._settled["given_up"] += chunk.outcomes.count(Outcome.GIVEN_UP)

    def numbers(self) -> dict[str, Any]:
        """As it is stored: chunks by state, when the next one of each state is due, (shard, number) of those that are
        due next, how many recipients wait for a better moment (by why; until when at the soonest), how many are in
        doubt and since when, and how many were settled by what."""
        return {
            "chunks": dict(self._states),
            "due": self._due,
            "next": [[shard, number] for _, shard, number in heapq.nsmallest(MOST_NEXT, self._next)],
            "held": {why: [number, clock.iso(until)] for why, (number, until) in self._held.items()},
            "in_doubt": self._in_doubt,
            "unknown_since": clock.iso(self._since) if self._since else None,
            "settled": {by: number for by, number in self._settled.items() if number},
        }
