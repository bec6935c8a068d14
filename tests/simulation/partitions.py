"""Whose partitions a request to the table names: a tenant's work touches no other tenant's.

The same as `tests.tenancy`, for hundreds of seeds and without moto.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from drumbeat.table import TABLE

# The types of rows that have no tenant in their keys.
EVERYONES = frozenset({
    "APIKEY", "LOGIN", "INVITE", "TENANT", "SENDER", "SENDKEY", "CERT", "CLAIM", "RATE", "ENVIRONMENT",
})  # fmt: skip


def foreign(tenant: str, operation: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    """The partitions in a request that are neither this tenant's nor everyone's."""
    for partition in named(operation, kwargs):
        kind, _, rest = partition.partition("#")
        if rest.split("#", 1)[0] != tenant and kind not in EVERYONES and kind != "DUE":
            yield partition


def named(operation: str, kwargs: Mapping[str, Any]) -> Iterator[str]:
    """The partitions that a request names."""
    if operation == "TransactWriteItems":
        for action in kwargs["TransactItems"]:
            for body in action.values():
                yield (body.get("Item") or body["Key"])["pk"]["S"]
    elif operation == "Query":
        values = kwargs["ExpressionAttributeValues"]
        yield next(iter(values.values()))["S"]
    elif operation == "BatchGetItem":
        yield from (key["pk"]["S"] for key in kwargs["RequestItems"][TABLE]["Keys"])
    elif operation == "BatchWriteItem":
        for request in kwargs["RequestItems"][TABLE]:
            for body in request.values():
                yield (body.get("Item") or body["Key"])["pk"]["S"]
    else:
        yield (kwargs.get("Item") or kwargs["Key"])["pk"]["S"]
