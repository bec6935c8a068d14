"""Somebody else is quicker: a write that comes between another's read and its write, in one thread.

    with quicker(Campaign.key("ten_acme", made), changed, state="sending") as happened:
        reply = world.call("campaigns.update_campaign", …)

What happens meanwhile goes past the functions' client: it is not held to what the function at work declares.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from drumbeat import clock, table
from drumbeat.table import Entity, raw

from tests.world import client

Key = tuple[str, str]
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


@contextmanager
def quicker(
    key: Key, act: Callable[..., object], *args: Any, times: int = 1, operation: str | None = None, **more: Any
) -> Iterator[list[str]]:
    """Do `act(key, *args, **more)` just before the item of this key is written (or, in a transaction, checked), the
    first `times`; with `operation`, before writes of this kind (`BatchGetItem`: before it is read, as where an
    index was behind). Gives the operations that it came before; fails when there was none."""
    happened: list[str] = []

    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        wanted = _WRITES if operation is None else (operation,)
        if len(happened) < times and model.name in wanted and key in _keys(params):
            happened.append(model.name)
            act(key, *args, **more)

    events = table.connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb.*", look)
    try:
        yield happened
    finally:
        events.unregister("before-parameter-build.dynamodb.*", look)
    assert happened, f"{key} was not written"


def _keys(params: Mapping[str, Any]) -> list[Key]:
    if "RequestItems" in params:
        return [(key["pk"]["S"], key["sk"]["S"]) for asked in params["RequestItems"].values() for key in asked["Keys"]]
    actions = [one for action in params.get("TransactItems", ()) for one in action.values()] or [params]
    items = [action.get("Item") or action["Key"] for action in actions]
    return [(item["pk"]["S"], item["sk"]["S"]) for item in items]


def changed(key: Key, **values: Any) -> None:
    """Set attributes of a stored item, by their stored names; None takes one away."""
    values.setdefault("att", table.fresh_attempt())
    sets = {name: value for name, value in values.items() if value is not None}
    removed = [name for name, value in values.items() if value is None]
    client("dynamodb").update_item(
        TableName=table.TABLE,
        Key=_key(key),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in sets)
        + (" REMOVE " + ", ".join(f"#{name}" for name in removed) if removed else ""),
        ExpressionAttributeNames={f"#{name}": name for name in values},
        ExpressionAttributeValues={f":{name}": _value(value) for name, value in sets.items()},
    )  # fmt: skip


def vanished(key: Key) -> None:
    """Delete the item."""
    client("dynamodb").delete_item(TableName=table.TABLE, Key=_key(key))


def appeared(key: Key, entity: Entity) -> None:
    """Put an item of that key, which is the entity's own."""
    assert (entity.pk, entity.sk) == key
    client("dynamodb").put_item(TableName=table.TABLE, Item={**raw(entity), "att": {"S": "somebody else"}})


def stored(key: Key) -> dict[str, Any] | None:
    """The item as plain values, or None."""
    item = client("dynamodb").get_item(TableName=table.TABLE, Key=_key(key), ConsistentRead=True).get("Item")
    return None if item is None else {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def _key(key: Key) -> dict[str, dict[str, str]]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _value(value: Any) -> Any:
    return TypeSerializer().serialize(clock.iso(value) if isinstance(value, datetime) else value)
