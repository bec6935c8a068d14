"""Find a new or changed segment's members, add them up, or remove those of a deleted one: one round of it."""

from typing import Any

from drumbeat.segments import backfill, membership
from drumbeat.segments.history import SegmentVersion
from drumbeat.segments.model import BACKFILL, Segment
from drumbeat.task import task


@task(
    BACKFILL,
    reads=membership.READS,
    writes=(Segment, SegmentVersion, *membership.WRITES),
    memory=512,
    timeout=120,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A walk whose segment has a newer version, or is gone, ends."""
    return backfill.round_of(state)
