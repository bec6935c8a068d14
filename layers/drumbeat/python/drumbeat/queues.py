"""Putting messages on queues. Messages carry ids; whoever sends one twice does no harm."""

import json
import os
import time
from collections.abc import Iterable, Mapping
from typing import Any

from drumbeat.aws import client
from drumbeat.declare import Queue

MOST_IN_BATCH = 10


def send(queue: Queue, tenant: str, messages: Iterable[Mapping[str, Any]], *, delay: int = 0) -> None:
    """Put JSON messages on a queue the function declared in `sends=`; `delay` in seconds, at most 900.

    The tenant is the message group: SQS then serves tenants fairly. Entries that SQS could not take are sent again.
    """
    left = [json.dumps(message, ensure_ascii=False, separators=(",", ":")) for message in messages]
    pause = 0.05
    while left:
        batch, left = left[:MOST_IN_BATCH], left[MOST_IN_BATCH:]
        entries = [
            {"Id": str(place), "MessageBody": body, "DelaySeconds": delay, "MessageGroupId": tenant or "none"}
            for place, body in enumerate(batch)
        ]
        answer = client("sqs").send_message_batch(QueueUrl=os.environ[queue.variable], Entries=entries)
        failed = answer.get("Failed", [])
        if any(entry.get("SenderFault") for entry in failed):
            raise ValueError(f"the queue {queue.name} refused a message: {failed[0].get('Message')}")
        if failed:
            left = [batch[int(entry["Id"])] for entry in failed] + left
            time.sleep(pause := min(pause * 2, 1.0))
