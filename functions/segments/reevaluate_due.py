"""Evaluate the contacts for whom time may have changed a segment's answer; sweep lost work; start daily counts."""

from datetime import datetime

from drumbeat.schedule import schedule
from drumbeat.segments import due
from drumbeat.segments.model import BACKFILL


@schedule(
    "rate(1 minute)",
    reads=due.READS,
    writes=due.WRITES,
    starts=(BACKFILL,),
    memory=512,
    timeout=120,
)
def handler(now: datetime) -> int:
    """Gives how many were evaluated."""
    return due.work_off(now)
