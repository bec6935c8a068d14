"""Broken on purpose: whoever was fetched counts as sent (listmonk#3022). A worker that dies has forgotten its people, a
call that failed has forgotten them too, and the campaign is marked finished.
"""

import json
from typing import Any

from drumbeat.sends import due
from drumbeat.sends.model import Chunk, ChunkState, Outcome, Place
from drumbeat.table import ConditionFailed

from tests.simulation.broken.send_then_mark import called


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """The consumer of the queue of due chunks: the cursor goes on first."""
    for record in event["Records"]:
        _send(json.loads(record["body"]))
    return {"batchItemFailures": []}


def _send(message: dict[str, Any]) -> None:
    place = Place(message["tenant"], message["send"], message["shard"], message["number"])
    chunk = Chunk.fetch(*place.chunk_key)
    if chunk is None or chunk.state == ChunkState.DONE:
        return
    passed = Outcome.ACCEPTED * len(chunk.outcomes)
    done = [Chunk.state.set(ChunkState.DONE.value), Chunk.outcomes.set(passed), *due.nothing()]
    try:
        chunk.change(*done, unchanged=True)
    except ConditionFailed:
        return
    called(place, chunk)
