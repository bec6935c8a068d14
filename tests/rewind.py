"""moto as it was when a deployment had just been made: to go back takes a millisecond, to make it anew seventy.

Queues, machines, the bucket, the bus and the keys stay, empty; the table gets the rows back that it had. What a test
made besides is gone, and so is everything in other services.
"""

import copy
import os
import time
from collections.abc import Iterable
from typing import Any

from drumbeat import table
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from tests import table_server
from tests.simulation.store import Store

ACCOUNT, REGION = "123456789012", "us-east-1"
KEPT = ("dynamodb", "sqs", "stepfunctions", "s3", "events", "scheduler", "kms", "ses", "sesv2")


class Made:
    """What `keep` saw."""

    def __init__(self, keys: dict[str, str]) -> None:
        self.keys = dict(keys)
        self.items = copy.deepcopy(backend("dynamodb").tables[table.TABLE].items)
        self.rows = rows()
        self.mail = {name: copy.deepcopy(_mail(name)) for name in ("ses", "sesv2")}
        self.queues = set(backend("sqs").queues)
        self.environment = {name: value for name, value in os.environ.items() if _named(name)}


_made: Made | None = None
_store: Store | None = None


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


Rows = dict[tuple[str, str], dict[str, Any]]


def rows(but: str = "") -> Rows:
    """Every item of the table by its key, as DynamoDB's JSON; without those of a type, if one is named."""
    store = table_server.current()
    if store is not None:
        return {key: item for key, item in store.items.items() if not but or not key[0].startswith(f"{but}#")}
    held = backend("dynamodb").tables[table.TABLE].items
    return {
        (pk.value, sk.value): item.to_json()["Attributes"]
        for pk, line in held.items()
        if not but or not pk.value.startswith(f"{but}#")
        for sk, item in line.items()
    }


def owner(key: tuple[str, str]) -> str:
    """The tenant of an item; empty when there is no such item."""
    store = table_server.current()
    if store is not None:
        return str((store.find(*key) or {}).get("tenant", {}).get("S", ""))
    held = backend("dynamodb").tables.get(table.TABLE)
    line = held.items.get(DynamoType({"S": key[0]}), {}) if held else {}
    return next((str(item.attrs["tenant"].value) for item in line.values()), "")


def put_rows(items: Rows) -> None:
    """Write items past the product: no stream tells of them."""
    store = table_server.current()
    if store is not None:
        told = len(store.records)
        for item in items.values():
            store.write(item)
        del store.records[told:]
        return
    held = backend("dynamodb").tables[table.TABLE].items
    for (pk, sk), attributes in items.items():
        hash_key, range_key = DynamoType({"S": pk}), DynamoType({"S": sk})
        held[hash_key][range_key] = Item(hash_key, range_key, attributes)


def drop_rows(keys: Iterable[tuple[str, str]]) -> None:
    """Take items away, past the product."""
    store = table_server.current()
    if store is not None:
        told = len(store.records)
        for key in keys:
            store.remove(key)
        del store.records[told:]
        return
    held = backend("dynamodb").tables[table.TABLE].items
    for pk, sk in keys:
        line = held[DynamoType({"S": pk})]
        line.pop(DynamoType({"S": sk}), None)
        if not line:
            del held[DynamoType({"S": pk})]


def rows_as_made() -> Rows:
    """The items that the deployment began with, as DynamoDB's JSON."""
    return _made.rows if _made else {}


def store_as_made(watched: frozenset[str]) -> Store:
    """A table in memory with the items that the deployment began with."""
    global _store
    if _store is None:
        _store = table_server.made(watched)
        for item in rows_as_made().values():
            _store.write(item)
        _store.records.clear()
    return _store.copy(time.time)


def table_as_made() -> None:
    """Only the table goes back."""
    drop_rows(list(rows()))
    put_rows(rows_as_made())


def _queues(made: Made) -> None:
    queues = backend("sqs").queues
    for name in [name for name in queues if name not in made.queues]:
        del queues[name]
    for queue in queues.values():
        queue._messages, queue._pending_messages, queue.deleted_messages = [], set(), set()


def _named(name: str) -> bool:
    return name.startswith(("QUEUE_", "MACHINE_")) or name in (
        "HEALTH_QUEUE", "SIGNING_KEY", "JWT_KEYS", "SUPPRESSION_KEY", "ENVIRONMENT_ID"
    )  # fmt: skip
