"""moto as it was when a deployment had just been made: to go back takes a millisecond, to make it anew seventy.

Queues, machines, the bucket, the bus and the keys stay, empty; the table gets the rows back that it had. What a test
made besides is gone, and so is everything in other services.
"""

import copy
import os
from typing import Any

from drumbeat import table
from moto.backends import get_backend
from moto.core.base_backend import BackendDict

ACCOUNT, REGION = "123456789012", "us-east-1"
KEPT = ("dynamodb", "sqs", "stepfunctions", "s3", "events", "scheduler", "kms", "ses", "sesv2")


class Made:
    """What `keep` saw."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = dict(keys)
        self.items = copy.deepcopy(backend("dynamodb").tables[table.TABLE].items)
        self.mail = {name: copy.deepcopy(_mail(name)) for name in ("ses", "sesv2")}
        self.queues = set(backend("sqs").queues)
        self.environment = {name: value for name, value in os.environ.items() if _named(name)}


_made: Made | None = None


def backend(service: str) -> Any:
    """moto's own state of a service."""
    region = "aws" if service == "s3" else REGION
    return get_backend(service)[ACCOUNT][region]  # type: ignore[call-overload]


def keep(keys: dict[str, str]) -> None:
    """Remember what there is, with the tenants' keys."""
    global _made
    _made = Made(keys)


def go_back() -> dict[str, str] | None:
    """Make everything as it was, and give the tenants' keys; None when somebody has made moto forget."""
    if _made is None or table.TABLE not in backend("dynamodb").tables or not _made.queues <= set(backend("sqs").queues):
        return None
    used: list[Any] = BackendDict._instances  # type: ignore[misc]  # of a generic class
    for other in [one for one in used if one.service_name not in KEPT]:
        for account in other.values():
            account.reset()
    _dynamodb(_made)
    _queues(_made)
    for name, held in _made.mail.items():
        vars(backend(name)).update(copy.deepcopy(held))
    for machine in backend("stepfunctions").state_machines:
        machine.executions.clear()
    for bucket in backend("s3").buckets.values():
        bucket.keys, bucket.multiparts = type(bucket.keys)(), type(bucket.multiparts)()
    for group in backend("scheduler").schedule_groups.values():
        group.schedules.clear()
    os.environ.update(_made.environment)
    return dict(_made.keys)


def _dynamodb(made: Made) -> None:
    tables = backend("dynamodb").tables
    for name in [name for name in tables if name != table.TABLE]:
        del tables[name]
    # A transaction that was refused has put a copy of the table in its place.
    held = tables[table.TABLE]
    held.items, held.stream_shard.items = copy.deepcopy(made.items), []


def _mail(name: str) -> dict[str, Any]:
    """What a mail service knows; the newer one refers to the older."""
    return {key: value for key, value in vars(backend(name)).items() if key != "core_backend"}


def _queues(made: Made) -> None:
    queues = backend("sqs").queues
    for name in [name for name in queues if name not in made.queues]:
        del queues[name]
    for queue in queues.values():
        queue._messages, queue._pending_messages, queue.deleted_messages = [], set(), set()


def _named(name: str) -> bool:
    return name.startswith(("QUEUE_", "MACHINE_")) or name in (
        "HEALTH_QUEUE", "SIGNING_KEY", "JWT_KEYS", "SUPPRESSION_KEY"
    )  # fmt: skip
