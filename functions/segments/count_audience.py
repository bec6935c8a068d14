"""Count the contacts that a preview's criteria match, in rounds."""

from typing import Any

from drumbeat.segments import preview
from drumbeat.segments.model import COUNT_AUDIENCE, Preview
from drumbeat.task import task


@task(COUNT_AUDIENCE, reads=preview.READS, writes=(Preview,), memory=512, timeout=120)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round goes on where the last one stopped, and starts nothing that a repetition would double."""
    return preview.round_of(state)
