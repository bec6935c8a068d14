"""Carry out a privacy request: write the file of a data export, or erase row by row."""

from typing import Any

from drumbeat.privacy import declared, working
from drumbeat.privacy.model import FOLDER, PRIVACY
from drumbeat.task import task


@task(PRIVACY, reads=declared.READS, writes=declared.WORK, files=(FOLDER,), memory=512, timeout=300)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """A round erases for 20 seconds at most. When nothing is left it waits and looks once more, for what was written
    meanwhile. A round that is done twice does no harm."""
    done, wait = working.advance(state["tenant"], state["request_id"])
    return {**state, "done": done, "wait_seconds": wait}
