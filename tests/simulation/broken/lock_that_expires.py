"""Broken on purpose: a lock around the sending of a chunk, as idempotency libraries have it (powertools-lambda-python).

A message is being worked on until it is done or its lock has expired; a worker that fails takes the lock away. So
whatever became of a call whose worker died or whose answer was lost, the next worker makes it again.
"""

import hashlib
import json
from datetime import timedelta
from typing import Any

from drumbeat import clock
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute

from tests.simulation.broken.send_then_mark import send_chunk

LOCKED = timedelta(seconds=60)


class Lock(Entity):
    TYPE = "LOCK"

    status = UnicodeAttribute()
    expires = InstantAttribute()


def handler(event: dict[str, Any]) -> dict[str, Any]:
    """The consumer of the queue of due chunks."""
    failed = [record for record in event["Records"] if not _guarded(record["body"])]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _guarded(body: str) -> bool:
    message, now = json.loads(body), clock.wall()
    name = hashlib.sha256(body.encode()).hexdigest()
    lock = Lock(f"LOCK#{message['tenant']}#{name}", "LOCK", status="INPROGRESS", expires=now + LOCKED)
    try:
        lock.save(condition=Lock.pk.does_not_exist() | (Lock.expires < now))
    except ConditionFailed as error:
        return bool((error.found or {})["status"]["S"] == "COMPLETED")
    done = send_chunk(message)
    if done:
        lock.change(Lock.status.set("COMPLETED"), Lock.expires.set(now + timedelta(minutes=5)))
    else:
        lock.delete()
    return done
