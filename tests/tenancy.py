"""Whose partitions a function may touch: those of the tenant that it works for, and the rows that are everyone's.

The same promise as `drumbeat.table.tenancy`, looked at from outside and more closely: here every kind of function is
held to it, every index partition of every written item is looked at, and S3's keys too.
"""

import functools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
from drumbeat import access, table
from drumbeat.accounts.model import ApiKey
from drumbeat.declare import Declaration
from drumbeat.table import Entity

from tests import rewind

# What a sweeper, a governor or an operator goes through for all tenants. Requests of a tenant write there, by items
# that join the listing, and never read there.
SHARED_LISTINGS = frozenset({"DUE", "SENDERS", "TENANTS"})
TENANT = re.compile(r"\bten_[A-Za-z0-9]+")
_INDEX_VALUE = re.compile(r"(#?\w+) = (:\w+)")


_assumed: frozenset[str] = frozenset()


@contextmanager
def assumed(tenant: str) -> Iterator[None]:
    """A request without a credential is held to this tenant: the one whose token the test sends."""
    global _assumed
    before, _assumed = _assumed, frozenset({tenant})
    try:
        yield
    finally:
        _assumed = before


def tenants_of(declaration: Declaration, event: Any) -> frozenset[str]:
    """The tenants that an invocation works for: the credential's, or those that its message names. None named, none
    excluded: that is work for all tenants, or of a token that decides the tenant."""
    if declaration.kind in ("http", "url"):
        if not declaration.scope:
            return _assumed
        return frozenset({_caller(event.get("headers") or {})} - {""})
    if declaration.kind in ("schedule", "operator"):
        return frozenset()
    return frozenset(TENANT.findall(json.dumps(event, default=str)))


def _caller(headers: dict[str, str]) -> str:
    """The tenant that a credential says, right or wrong: a wrong one gets nowhere."""
    token = access.presented(headers)
    if token.startswith("db_live_"):
        key_id = token.removeprefix("db_live_").partition("_")[0]
        return rewind.owner(ApiKey.key(key_id))
    try:
        return str(jwt.decode(token, options={"verify_signature": False}).get("tenant", ""))
    except (jwt.InvalidTokenError, ValueError):
        return ""


@functools.cache
def everyones() -> frozenset[str]:
    """The types of the rows that have no tenant in their keys, once all functions are imported."""
    return frozenset(model.TYPE for model in _entities(Entity) if model.GLOBAL)


def _entities(base: type[Entity]) -> Iterator[type[Entity]]:
    for model in base.__subclasses__():
        yield model
        yield from _entities(model)


def foreign(operation: str, params: dict[str, Any], tenants: frozenset[str]) -> list[str]:
    """The partitions in a request to the table that are none of these tenants'."""
    return [
        f"{operation} of {key}"
        for place, key in named(operation, params)
        if not _belongs(place, key, tenants)
    ]  # fmt: skip


def _belongs(place: str, key: str, tenants: frozenset[str]) -> bool:
    kind, _, rest = key.partition("#")
    owner = rest.split("#")[0]
    if owner in tenants:
        return True
    if owner.startswith("ten_") or kind not in (everyones() if place == "item" else SHARED_LISTINGS):
        return False
    return place in ("item", "joined")


def named(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """(item, listed or joined; partition) of all that a request names: items, listings read, listings joined."""
    if operation == "Query":
        name, placeholder = re.match(r"\(?([#\w]+) = (:\w+)", params["KeyConditionExpression"]).groups()  # type: ignore[union-attr]
        real = params.get("ExpressionAttributeNames", {}).get(name, name)
        assert real == f"{params.get('IndexName', '')}pk", f"a query's first condition is its partition, not {real}"
        place = "listed" if params.get("IndexName") else "item"
        yield place, params["ExpressionAttributeValues"][placeholder]["S"]
        for key, value in params.get("ExclusiveStartKey", {}).items():
            if key.endswith("pk"):
                yield ("item" if key == "pk" else "listed"), value["S"]
    elif operation == "BatchGetItem":
        for key in params["RequestItems"][table.TABLE]["Keys"]:
            yield "item", key["pk"]["S"]
    elif operation == "BatchWriteItem":
        for request in params["RequestItems"][table.TABLE]:
            ((_, wanted),) = request.items()
            yield from _written(wanted)
    elif operation == "TransactWriteItems":
        for action in params["TransactItems"]:
            ((_, wanted),) = action.items()
            yield from _written(wanted)
    elif operation in ("GetItem", "PutItem", "UpdateItem", "DeleteItem"):
        yield from _written(params)
    elif operation == "Scan":
        yield "listed", "*"


def _written(wanted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    item = wanted.get("Item") or wanted["Key"]
    yield "item", item["pk"]["S"]
    for name, value in item.items():
        if re.fullmatch(r"gsi\dpk", name):
            yield "joined", value["S"]
    names, values = wanted.get("ExpressionAttributeNames", {}), wanted.get("ExpressionAttributeValues", {})
    for name, placeholder in _INDEX_VALUE.findall(wanted.get("UpdateExpression", "")):
        if re.fullmatch(r"gsi\dpk", names.get(name, name)):
            yield "joined", values[placeholder]["S"]


def foreign_files(params: dict[str, Any], tenants: frozenset[str]) -> list[str]:
    """The key of a request to the data bucket when it is none of these tenants': `<folder>/<tenant>/…`."""
    key = params.get("Key") or params.get("Prefix")
    return [key] if key is not None and key.split("/")[1] not in tenants else []
