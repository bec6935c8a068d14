"""What DynamoDB does with an item: its keys, its conditions, what an update leaves, and how it refuses."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from tests.simulation import expressions, updates
from tests.simulation.expressions import Item

Key = tuple[str, str]
INDEXES = ("gsi1", "gsi2", "gsi3")
_KEYS_OF = {index: (f"{index}pk", f"{index}sk") for index in INDEXES}
# Behind every text that a sort key may be.
END = "\U0010ffff" * 2


def refusal(operation: str, code: str, message: str, **more: Any) -> ClientError:
    """An error as botocore raises it."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {"HTTPStatusCode": 400, "HTTPHeaders": {}},
            **more,
        },
        operation,
    )


def cancelled(reasons: list[dict[str, Any]]) -> ClientError:
    """The refusal of a transaction."""
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return refusal("TransactWriteItems", "TransactionCanceledException", message, CancellationReasons=reasons)


def key_of(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def place_in(index: str, item: Item | None) -> tuple[str, str] | None:
    """Where an item is in an index; None when it has not both of the index's keys."""
    if item is None:
        return None
    pk_name, sk_name = _KEYS_OF[index]
    pk, sk = item.get(pk_name), item.get(sk_name)
    return (pk["S"], sk["S"]) if pk and sk else None


def projected(item: Item, kwargs: Mapping[str, Any]) -> Item:
    wanted = kwargs.get("ProjectionExpression")
    if not wanted:
        return dict(item)
    names = kwargs.get("ExpressionAttributeNames", {})
    chosen = [names.get(name, name) for name in updates.projection(wanted)]
    return {name: item[name] for name in chosen if name in item}


def bounds(kwargs: Mapping[str, Any]) -> tuple[str, str, str]:
    """The partition that a query reads, and from which sort key on until before which."""
    values = kwargs["ExpressionAttributeValues"]
    (_, _, (first,)), *others = updates.key_condition(kwargs["KeyConditionExpression"])
    low, high = "", END
    for _, operation, placeholders in others:
        told = [values[placeholder]["S"] for placeholder in placeholders]
        # The next text behind one is that with the lowest character added.
        one, behind = told[0], f"{told[-1]}\x00"
        low, high = {
            "=": (one, behind), "BETWEEN": (one, behind), "begins_with": (one, one + END), "<": (low, one),
            "<=": (low, behind), ">": (f"{one}\x00", high), ">=": (one, high),
        }[operation]  # fmt: skip
    return values[first]["S"], low, high


def holds(item: Item | None, kwargs: Mapping[str, Any]) -> bool:
    text = kwargs.get("ConditionExpression")
    if not text:
        return True
    names, values = kwargs.get("ExpressionAttributeNames", {}), kwargs.get("ExpressionAttributeValues", {})
    return expressions.condition(text)(item or {}, names, values)


def wants_old(kwargs: Mapping[str, Any]) -> bool:
    return kwargs.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def valid(operation: str, item: Item) -> Item:
    """A copy of an item as DynamoDB keeps it."""
    if not item["pk"]["S"] or not item["sk"]["S"]:
        raise refusal(operation, "ValidationException", "a key must not be empty")
    kept = dict(item)
    for name, value in item.items():
        if "S" not in value:
            if not _fit(value):
                raise refusal(operation, "ValidationException", f"the set {name} is empty")
            kept[name] = expressions.normal(value)
    return kept


def _fit(value: Mapping[str, Any]) -> bool:
    ((kind, held),) = value.items()
    return bool(held) or kind not in ("SS", "NS", "BS")


def updated(operation: str, old: Item | None, kwargs: Mapping[str, Any]) -> Item:
    item = dict(old) if old is not None else dict(kwargs["Key"])
    text = kwargs.get("UpdateExpression")
    if not text:
        return item
    names, values = kwargs.get("ExpressionAttributeNames", {}), kwargs.get("ExpressionAttributeValues", {})
    if not all(_fit(value) for value in values.values()):
        raise refusal(operation, "ValidationException", "One or more parameter values are not valid: empty set")
    try:
        updates.update(text)(item, old or {}, names, values)
    except (ValueError, KeyError, IndexError) as error:
        raise refusal(operation, "ValidationException", f"the update is not valid: {error}") from error
    return item


def after(verb: str, old: Item | None, body: Mapping[str, Any]) -> Item | None:
    """What an action of a transaction leaves."""
    if verb == "Put":
        return valid("TransactWriteItems", body["Item"])
    if verb == "Update":
        return updated("TransactWriteItems", old, body)
    return None


def given(kwargs: Mapping[str, Any], old: Item | None, new: Item) -> dict[str, Any]:
    wanted = kwargs.get("ReturnValues", "NONE")
    if wanted == "ALL_NEW":
        return {"Attributes": dict(new)}
    if wanted == "ALL_OLD" and old is not None:
        return {"Attributes": dict(old)}
    return {}
