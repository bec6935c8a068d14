"""Reading partitions of the table and of its indexes, page by page."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar, cast

from pynamodb.expressions.condition import Condition

from drumbeat.table.connection import TABLE, connection
from drumbeat.table.entity import Entity

E = TypeVar("E", bound=Entity)


def keys_in_index(
    number: int,
    partition: str,
    *,
    after: tuple[str, ...] | None = None,
    between: tuple[str, str] | None = None,
    newest_first: bool = True,
    limit: int | None = None,
) -> Iterator[tuple[str, str, str]]:
    """(pk, sk, index sort key) of an index partition in its order, all or those `between` two index sort keys; `after`
    is that triple of the last one seen."""
    start = None
    if after:
        pk, sk, place = after
        start = {"pk": {"S": pk}, "sk": {"S": sk}, f"gsi{number}pk": {"S": partition}, f"gsi{number}sk": {"S": place}}
    yielded = 0
    while True:
        kwargs: dict[str, Any] = {
            "TableName": TABLE,
            "IndexName": f"gsi{number}",
            "KeyConditionExpression": f"gsi{number}pk = :p",
            "ExpressionAttributeValues": {":p": {"S": partition}},
            "ScanIndexForward": not newest_first,
            "ProjectionExpression": f"pk, sk, gsi{number}sk",
        }
        if between:
            kwargs["KeyConditionExpression"] += f" AND gsi{number}sk BETWEEN :b AND :c"
            kwargs["ExpressionAttributeValues"] |= {":b": {"S": between[0]}, ":c": {"S": between[1]}}
        if start:
            kwargs["ExclusiveStartKey"] = start
        if limit:
            kwargs["Limit"] = min(limit, 1000)
        data = connection().connection._make_api_call("Query", kwargs)
        for item in data["Items"]:
            yield item["pk"]["S"], item["sk"]["S"], item[f"gsi{number}sk"]["S"]
            yielded += 1
            if limit and yielded >= limit:
                return
        start = data.get("LastEvaluatedKey")
        if not start:
            return


def rows(
    model: type[E],
    pk: str,
    *,
    prefix: str = "",
    start: str | None = None,
    end: str | None = None,
    after: str | None = None,
    newest_first: bool = False,
    limit: int | None = None,
    consistent: bool = True,
) -> Iterator[E]:
    """The items of one partition in the order of `sk`: all, those with a prefix, or those from `start` to `end`.

    `after` is the sk of the last item seen; the read goes on behind it, in either direction.
    """
    condition: Condition | None = None
    sort = model.sk
    if prefix:
        condition = sort.startswith(prefix)
    elif start is not None or end is not None:
        condition = sort.between(start or "\x00", end or "\U0010ffff")
    found = model.query(
        pk,
        condition,
        consistent_read=consistent,
        scan_index_forward=not newest_first,
        limit=limit,
        last_evaluated_key={"pk": {"S": pk}, "sk": {"S": after}} if after is not None else None,
    )
    yield from cast(Iterable[E], found)


def count(pk: str, *, number: int | None = None, most: int | None = None) -> int:
    """How many items a partition (of the table, or of index `number`) has; stops counting above `most`."""
    total, start = 0, None
    prefix = "" if number is None else f"gsi{number}"
    while True:
        kwargs: dict[str, Any] = {
            "TableName": TABLE,
            "Select": "COUNT",
            "KeyConditionExpression": f"{prefix}pk = :p",
            "ExpressionAttributeValues": {":p": {"S": pk}},
        }
        if number is not None:
            kwargs["IndexName"] = prefix
        if start:
            kwargs["ExclusiveStartKey"] = start
        data = connection().connection._make_api_call("Query", kwargs)
        total += int(data["Count"])
        start = data.get("LastEvaluatedKey")
        if not start or (most is not None and total > most):
            return total
