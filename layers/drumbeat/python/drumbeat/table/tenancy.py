"""The wall between tenants: work for one tenant names no partition of another, or it fails.

Keys are built from the verified tenant, so this never strikes; it is the second look at the same promise, on the
request itself, after all of our code. The edge says for whom it works (`only`), and each request to the table is
checked before it leaves: the partitions that it reads, writes, lists or joins. Rows that are GLOBAL, and listings of
due work that an item joins, are everyone's.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

# Index partitions that items of all tenants are in: sweepers and operators read them, requests of a tenant never do.
SHARED_LISTINGS = frozenset({"DUE", "SENDERS", "TENANTS"})
_INDEXES = ("gsi1pk", "gsi2pk", "gsi3pk")
_PARTITION = re.compile(r"\(?[#\w]+ = (:\w+)")

_working_for: ContextVar[str | None] = ContextVar("working_for", default=None)
_global: set[str] = set()


class ForeignPartition(Exception):
    """A request to the table named a partition of another tenant. It was not sent."""


@contextmanager
def only(tenant: str) -> Iterator[None]:
    """Work for this tenant: until the end, a request that names another's partition raises ForeignPartition. An empty
    tenant is nobody's work, which may touch everyone's."""
    before = _working_for.set(tenant)
    try:
        yield
    finally:
        _working_for.reset(before)


def enter(tenant: str) -> None:
    """From here to the end of the `only` around it: a token has told whose work this is. Only nobody's work becomes
    somebody's; a tenant's does not become another's. Does nothing without an `only`, because nobody would end it."""
    if _working_for.get() == "":
        _working_for.set(tenant)


def everyones(kind: str) -> None:
    """Rows of this type have no tenant in their keys."""
    _global.add(kind)


def guard(params: dict[str, Any], model: Any, **_: Any) -> None:
    """Refuse a request that crosses the wall: botocore's `before-parameter-build`. Raises ForeignPartition."""
    tenant = _working_for.get()
    if not tenant:
        return
    for partition in _partitions(params):
        kind, *rest = partition.split("#", 2)
        owner = rest[0] if rest else ""
        if owner == tenant or (kind in _global and not owner.startswith("ten_")):
            continue
        # Without the rest of the key: it may be somebody's address, and this goes to the log.
        raise ForeignPartition(f"{model.name} of {kind}#… is not the work of {tenant}")


def _partitions(params: dict[str, Any]) -> Iterator[str]:
    """The partitions of the table and of its indexes that a request names; an empty one for a request without any, such
    as a Scan."""
    if "Key" in params:
        yield params["Key"]["pk"]["S"]
        yield from _joined(params)
    elif "Item" in params:
        yield from _of_item(params["Item"])
    elif "KeyConditionExpression" in params:
        placeholder = _PARTITION.match(params["KeyConditionExpression"])
        yield params["ExpressionAttributeValues"][placeholder[1] if placeholder else ""]["S"]
        if "ExclusiveStartKey" in params:
            yield params["ExclusiveStartKey"]["pk"]["S"]
    elif "TransactItems" in params:
        for action in params["TransactItems"]:
            for wanted in action.values():
                yield from _partitions(wanted)
    elif "RequestItems" in params:
        for requests in params["RequestItems"].values():
            if "Keys" in requests:
                for key in requests["Keys"]:
                    yield key["pk"]["S"]
            else:
                for write in requests:
                    for wanted in write.values():
                        yield from _partitions(wanted)
    else:
        yield ""


def _joined(update: dict[str, Any]) -> Iterator[str]:
    """The partitions of indexes that an update puts its item into."""
    for alias, name in update.get("ExpressionAttributeNames", {}).items():
        if name in _INDEXES:
            placeholder = re.search(rf"{alias} = (:\w+)", update.get("UpdateExpression", ""))
            if placeholder:
                yield from _unshared(update["ExpressionAttributeValues"][placeholder[1]]["S"])


def _of_item(item: dict[str, Any]) -> Iterator[str]:
    yield item["pk"]["S"]
    for name in _INDEXES:
        if name in item:
            yield from _unshared(item[name]["S"])


def _unshared(partition: str) -> Iterator[str]:
    """The partition, unless it is a listing that items of all tenants join."""
    if partition.split("#", 1)[0] not in SHARED_LISTINGS:
        yield partition
