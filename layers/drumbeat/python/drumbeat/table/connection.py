"""The one connection that all entities share, and how it recognises its own writes.

Every conditional write carries a fresh `att`, and when its condition fails, the item that DynamoDB gives back
(`ALL_OLD`) tells whether it was our own earlier attempt whose answer was lost. That is success.
"""

import os
import random
import time
from typing import Any, cast

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import JSONParser, ResponseParserFactory
from pynamodb.connection import TableConnection
from pynamodb.connection.base import Connection, MetaTable
from pynamodb.exceptions import VerboseClientError

from drumbeat.aws import USER_AGENT
from drumbeat.table import tenancy

TABLE = os.environ.get("TABLE", "drumbeat")
CONDITION_FAILED, CONFLICT = "ConditionalCheckFailedException", "TransactionConflictException"
MOST_CONFLICTS = 20


class ConditionFailed(Exception):
    """The condition of a write did not hold. `found` is the item as it was then, raw, or None when there was none."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        super().__init__("the condition of the write did not hold")
        self.found = found


class _Parser(JSONParser):  # type: ignore[misc]  # botocore has no types
    """botocore's, but it takes texts, numbers and sets as they are: it would look at each for the ten kinds that an
    attribute may be of, which is a third of the time that reading many items takes."""

    def _handle_map(self, shape: Any, value: Any) -> Any:
        if value is None or shape.value.name != "AttributeValue":
            return super()._handle_map(shape, value)
        return {
            name: held if _AS_THEY_ARE.issuperset(held) else self._parse_shape(shape.value, held)
            for name, held in value.items()
        }


_AS_THEY_ARE = frozenset({"S", "N", "BOOL", "NULL", "SS", "NS"})


class _Parsers(ResponseParserFactory):  # type: ignore[misc]
    def create_parser(self, protocol_name: str) -> Any:
        return _Parser() if protocol_name == "json" else super().create_parser(protocol_name)


class _Connection(Connection):
    """pynamodb's connection, with attempts: see the module's text."""

    @property
    def session(self) -> Any:
        made = super().session
        made.register_component("response_parser_factory", _Parsers())
        made.set_default_client_config(Config(user_agent=USER_AGENT))
        made.register("before-parameter-build.dynamodb", tenancy.guard, unique_id="tenancy")
        return made

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        attempt = None
        if "ConditionExpression" in operation_kwargs:
            operation_kwargs["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            attempt = stamp(operation_kwargs)
            if "UpdateExpression" in operation_kwargs:
                # A retry whose first answer was lost must not apply an ADD twice.
                operation_kwargs["ConditionExpression"] += " AND NOT #att = :att"
        operation_kwargs.pop("ReturnConsumedCapacity", None)
        for tried in range(MOST_CONFLICTS):
            try:
                return cast(dict[str, Any], super()._make_api_call(operation_name, operation_kwargs))
            except VerboseClientError as error:
                found, code = _item_of(error), error.response["Error"]["Code"]
                if attempt and found is not None and found.get("att") == {"S": attempt}:
                    return {"Attributes": found} if operation_name == "UpdateItem" else {}
                if code == CONDITION_FAILED:
                    raise ConditionFailed(found) from error
                if code != CONFLICT or tried == MOST_CONFLICTS - 1:
                    raise
            # A transaction is at work on the item. The SDK does not try again by itself.
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
        raise AssertionError("unreachable")


def fresh_attempt() -> str:
    """A name for one write."""
    return f"{random.getrandbits(64):016x}"


def stamp(kwargs: dict[str, Any]) -> str:
    """Put a fresh attempt id into a put or an update (a delete leaves no item to carry one)."""
    attempt = fresh_attempt()
    if "Item" in kwargs:
        # Whoever puts an entity has given it a fresh attempt, so that its copy knows what is stored.
        attempt = kwargs["Item"].setdefault("att", {"S": attempt})["S"]
    elif "UpdateExpression" in kwargs:
        kwargs["ExpressionAttributeNames"] = {**kwargs.get("ExpressionAttributeNames", {}), "#att": "att"}
        kwargs["ExpressionAttributeValues"] = {**kwargs.get("ExpressionAttributeValues", {}), ":att": {"S": attempt}}
        update = kwargs["UpdateExpression"]
        first_set = update.replace("SET ", "SET #att = :att, ", 1)
        kwargs["UpdateExpression"] = first_set if update.startswith("SET ") else f"SET #att = :att {update}"
    return attempt


def _item_of(error: VerboseClientError) -> dict[str, Any] | None:
    """The item that DynamoDB sends with a failed condition."""
    cause = error.__cause__
    return cause.response.get("Item") if isinstance(cause, ClientError) else None


_shared: _Connection | None = None
_tables: dict[type | None, TableConnection] = {}


def connection(model: type | None = None) -> TableConnection:
    """The one connection that all entities share: making a client takes 50 ms, and each class would make its own."""
    global _shared
    if model not in _tables:
        if _shared is None:
            _shared = _Connection(connect_timeout_seconds=3, read_timeout_seconds=8, max_retry_attempts=5)
        held = TableConnection.__new__(TableConnection)
        held.table_name, held.connection = TABLE, _shared
        if TABLE not in _shared._tables:
            _shared.add_meta_table(_meta_table())
        _tables[model] = held
    return _tables[model]


def _meta_table() -> Any:
    """What pynamodb wants to know of the table before it builds requests: its keys and indexes."""

    def keys(prefix: str) -> list[dict[str, str]]:
        return [
            {"AttributeName": f"{prefix}pk", "KeyType": "HASH"},
            {"AttributeName": f"{prefix}sk", "KeyType": "RANGE"},
        ]

    names = ("", "gsi1", "gsi2", "gsi3")
    return MetaTable(
        {
            "TableName": TABLE,
            "KeySchema": keys(""),
            "AttributeDefinitions": [
                {"AttributeName": f"{name}{key}", "AttributeType": "S"} for name in names for key in ("pk", "sk")
            ],
            "GlobalSecondaryIndexes": [{"IndexName": name, "KeySchema": keys(name)} for name in names[1:]],
        }
    )


def client() -> Any:
    return connection().connection.client
