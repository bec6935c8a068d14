"""Many items in one request, whatever their entities."""

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from drumbeat.table.connection import TABLE, connection

if TYPE_CHECKING:
    from drumbeat.table.entity import Entity

MOST_IN_BATCH_GET = 100
MOST_IN_BATCH_WRITE = 25


def raw_many(keys: Sequence[tuple[str, str]], *, consistent: bool = True) -> list[dict[str, Any]]:
    """The raw items of these keys (of any entities), without order; what a throttled batch leaves out is asked
    again."""
    items: list[dict[str, Any]] = []
    left = [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in keys]
    pause = 0.02
    while left:
        batch, left = left[:MOST_IN_BATCH_GET], left[MOST_IN_BATCH_GET:]
        data = connection().connection._make_api_call(
            "BatchGetItem", {"RequestItems": {TABLE: {"Keys": batch, "ConsistentRead": consistent}}}
        )
        items += data["Responses"].get(TABLE, [])
        unread = data.get("UnprocessedKeys", {}).get(TABLE, {}).get("Keys", [])
        if unread:
            left = unread + left
            time.sleep(pause := min(pause * 2, 1.0))
    return items


def put_many(entities: Iterable["Entity"]) -> None:
    """Write items whatever is there: only for rows whose content follows from their key, so that twice is the same."""
    write_many(entities)


def write_many(puts: Iterable["Entity"] = (), deletes: Iterable[tuple[str, str]] = ()) -> None:
    """Write and delete items whatever is there, 25 a request; no key may come twice."""
    requests = [{"PutRequest": {"Item": raw(entity)}} for entity in puts]
    requests += [{"DeleteRequest": {"Key": {"pk": {"S": pk}, "sk": {"S": sk}}}} for pk, sk in deletes]
    pause = 0.02
    while requests:
        batch, requests = requests[:MOST_IN_BATCH_WRITE], requests[MOST_IN_BATCH_WRITE:]
        data = connection().connection._make_api_call("BatchWriteItem", {"RequestItems": {TABLE: batch}})
        unwritten = data.get("UnprocessedItems", {}).get(TABLE, [])
        if unwritten:
            requests = unwritten + requests
            time.sleep(pause := min(pause * 2, 1.0))


def raw(entity: "Entity") -> dict[str, Any]:
    """The item as DynamoDB's JSON."""
    return entity.serialize()
