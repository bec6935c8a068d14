"""What the clock brings: members whose time has come, lost work on segments, daily counts."""

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime

from drumbeat import clock, table
from drumbeat.errors import NotFound
from drumbeat.segments import changes, membership, people
from drumbeat.segments.figures import next_measure
from drumbeat.segments.model import BACKFILLS, MEASURES, SHARDS, Segment, State
from drumbeat.table import ConditionFailed

# A run ends before the next begins; what it leaves is due a minute later.
RUN_SECONDS = 45.0
# Rows of one shard that are taken up together: midnight brings many at once, and all shards get their turn.
MOST_AT_ONCE = 500
# What the function declares.
WRITES = (Segment, *membership.WRITES)
READS = membership.READS


def work_off(now: datetime) -> int:
    """Evaluate contacts that are due, for all tenants, until none is left or the run's time is over; gives how many."""
    until = time.monotonic() + RUN_SECONDS
    _sweep()
    _measure(now)
    done, left = 0, list(range(SHARDS))
    while left and time.monotonic() < until:
        for shard in list(left):
            taken = _work_off_shard(shard, now)
            done += taken
            if taken < MOST_AT_ONCE:
                left.remove(shard)
    return done


def _work_off_shard(shard: int, now: datetime) -> int:
    due = list(itertools.islice(_due(f"DUE#members#{shard}", clock.iso(now)), MOST_AT_ONCE))
    by_tenant: dict[str, dict[str, set[str]]] = {}
    for pk, contact_id in due:
        _, tenant, segment_id, _ = pk.split("#")
        by_tenant.setdefault(tenant, {}).setdefault(contact_id, set()).add(segment_id)
    for tenant, contacts in by_tenant.items():
        for page in people.pages(contacts):
            scope = set().union(*(contacts[contact_id] for contact_id in page))
            try:
                membership.refresh(tenant, page, now, scope=scope)
            except NotFound:  # the tenant is gone, and nobody waits for the answer
                rows = [(pk, contact_id) for pk, contact_id in due if pk.split("#")[1] == tenant]
                table.write_many(deletes=rows)
    return len(due)


def _due(partition: str, now: str) -> Iterator[tuple[str, str]]:
    """Keys of the rows of a due partition whose time has come, the earliest first."""
    for pk, sk, place in table.keys_in_index(2, partition, newest_first=False, limit=MOST_AT_ONCE):
        if place > now:
            return
        yield pk, sk


def _sweep() -> None:
    """Start work on segments again that nobody has gone on with: its start was lost, or it died for good."""
    now = clock.wall()
    for segment in Segment.many(_due(BACKFILLS, clock.iso(now))):
        phase = {State.BUILDING: "evaluate", State.DELETING: "remove"}.get(State(segment.state))
        if phase:
            with suppress(ConditionFailed):  # it was just deleted: then the machine finds nothing to do
                segment.change(*changes.held_until_swept())
            changes.start(segment, phase, again=str(int(now.timestamp()) // 60))


def _measure(now: datetime) -> None:
    """Start the daily count of ready segments. The row moves first: a count that is lost comes again tomorrow."""
    for segment in Segment.many(_due(MEASURES, clock.iso(now))):
        due = next_measure(now)
        try:
            segment.change(
                Segment.gsi2sk.set(due["gsi2sk"]),
                condition=(Segment.gsi2pk == MEASURES) & (Segment.gsi2sk == segment.gsi2sk),
            )
        except ConditionFailed:
            continue
        changes.start(segment, "measure", again=str(int(now.timestamp())))
