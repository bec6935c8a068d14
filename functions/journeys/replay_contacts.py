"""Replay contacts' pasts through a journey that nobody is in: one round of a dry run."""

from typing import Any

from drumbeat.journeys import replays
from drumbeat.journeys.dry_run import DryRun
from drumbeat.journeys.work import DRY_RUN
from drumbeat.task import task


@task(DRY_RUN, reads=replays.READS, writes=(DryRun,), memory=512, timeout=300)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A repeated round goes on from the stored place, and counts nobody twice."""
    return replays.round_of(state)
