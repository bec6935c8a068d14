"""One-off schedules (EventBridge Scheduler): at a moment, a message goes to a queue.

The scheduler may fire late, twice or after a cancellation: the queue's consumer checks the state before it acts, and a
sweeper finds what a lost schedule left behind.
"""

import json
import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from drumbeat import clock
from drumbeat.aws import client
from drumbeat.declare import Queue

GROUP = "drumbeat"
UNDELIVERED = "drumbeat-undelivered"  # the queue that the base stack makes for what reaches nobody


def at(queue: Queue, name: str, moment: datetime, message: Mapping[str, Any]) -> None:
    """At `moment` (business time) send `message` to a queue the function declared in `schedules=`.

    A schedule of that name is replaced. Names have at most 64 letters of `[A-Za-z0-9_.-]`.
    """
    # Whole seconds, rounded up: a message that comes too early is refused by its consumer.
    second = clock.wall_time_of(moment) + timedelta(microseconds=999_999)
    arguments = {
        "Name": name,
        "GroupName": GROUP,
        "ScheduleExpression": f"at({second.strftime('%Y-%m-%dT%H:%M:%S')})",
        "ScheduleExpressionTimezone": "UTC",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {
            "Arn": _arn(os.environ[queue.variable]),
            "RoleArn": os.environ["SCHEDULER_ROLE"],
            "Input": json.dumps(message),
            # After a day of tries; without it the message would be gone.
            "DeadLetterConfig": {"Arn": _arn(f"{os.environ[queue.variable].rpartition('/')[0]}/{UNDELIVERED}")},
        },
    }
    scheduler = client("scheduler")
    try:
        scheduler.create_schedule(**arguments, ClientToken=f"{name}-{int(moment.timestamp())}"[-64:])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConflictException":
            raise
        scheduler.update_schedule(**arguments)


def cancel(name: str) -> None:
    """Forget a schedule; that it is gone already is success."""
    try:
        client("scheduler").delete_schedule(Name=name, GroupName=GROUP)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def _arn(queue_url: str) -> str:
    account, name = queue_url.rsplit("/", 2)[-2:]
    return f"arn:aws:sqs:{os.environ['AWS_REGION']}:{account}:{name}"
