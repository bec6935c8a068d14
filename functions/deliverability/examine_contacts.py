"""Look at the next contacts of a list hygiene report, or fill a segment with what it found."""

from typing import Any

from drumbeat.deliverability.hygiene import walking
from drumbeat.deliverability.hygiene.model import HYGIENE
from drumbeat.task import task


@task(HYGIENE, reads=walking.READS, writes=walking.WRITES, memory=512, timeout=120)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round goes on where the last one stopped. A round that is done twice doubles nothing."""
    return walking.round_of(state)
