"""The one table: how entities are keyed, written once, changed by condition, and found.

Every item's `pk` is `TYPE#<tenant>#<id…>`: the type first so that IAM can tell entities apart, the tenant second so
that
no key can be built without one. Rows that must be found before the tenant is known say `GLOBAL = True`:

    APIKEY     an API key's id                     accounts
    LOGIN      a user's e-mail address             accounts
    INVITE     an invitation's or reset's token    accounts
    TENANT     the tenant itself                   accounts
    SENDER     a provider account                  sends
    SENDKEY    a tracking token's send             sends
    CERT       a provider's signing certificate    feedback
    RATE       requests in a window                edge

and the index of due work, `DUE#<kind>#<shard>`, which the sweepers read for all tenants.

Own writes are recognised: every conditional write carries a fresh `att`, and when its condition fails, the item that
DynamoDB gives back (`ALL_OLD`) tells whether it was our own earlier attempt whose answer was lost. That is success.
"""

import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Self, TypeVar, cast

from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import JSONParser, ResponseParserFactory
from pynamodb.attributes import Attribute
from pynamodb.attributes import NumberAttribute as NumberAttribute
from pynamodb.attributes import UnicodeAttribute as UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.connection.base import Connection
from pynamodb.constants import STRING
from pynamodb.exceptions import PynamoDBException, VerboseClientError
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from drumbeat import clock
from drumbeat.aws import USER_AGENT

TABLE = os.environ.get("TABLE", "drumbeat")
CONDITION_FAILED = "ConditionalCheckFailedException"
MOST_IN_TRANSACTION = 100
MOST_IN_BATCH_GET = 100
MOST_IN_BATCH_WRITE = 25


class ConditionFailed(Exception):
    """The condition of a write did not hold. `found` is the item as it was then, raw, or None when there was none."""

    def __init__(self, found: dict[str, Any] | None) -> None:
        super().__init__("the condition of the write did not hold")
        self.found = found


class TransactionRefused(Exception):
    """A condition in a transaction did not hold, so nothing of it was written.

    `found[i]` is the raw item that made action i fail (an empty dict when there was no item); None where it was fine.
    """

    def __init__(self, found: list[dict[str, Any] | None]) -> None:
        super().__init__("a condition of the transaction did not hold")
        self.found = found


class InstantAttribute(Attribute[datetime]):
    """A moment, stored as ISO 8601 text in UTC with milliseconds: sorts in the order of time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return clock.iso(value)

    def deserialize(self, value: str) -> datetime:
        return clock.parse(value)


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
        return made

    def _make_api_call(self, operation_name: str, operation_kwargs: dict[str, Any]) -> dict[str, Any]:
        attempt = None
        if "ConditionExpression" in operation_kwargs:
            operation_kwargs["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            attempt = _stamp(operation_kwargs)
            if "UpdateExpression" in operation_kwargs:
                # A retry whose first answer was lost must not apply an ADD twice.
                operation_kwargs["ConditionExpression"] += " AND NOT #att = :att"
        operation_kwargs.pop("ReturnConsumedCapacity", None)
        try:
            return cast(dict[str, Any], super()._make_api_call(operation_name, operation_kwargs))
        except VerboseClientError as error:
            found = _item_of(error)
            if attempt and found is not None and found.get("att") == {"S": attempt}:
                return {"Attributes": found} if operation_name == "UpdateItem" else {}
            if error.response["Error"]["Code"] == CONDITION_FAILED:
                raise ConditionFailed(found) from error
            raise


def fresh_attempt() -> str:
    """A name for one write."""
    return f"{random.getrandbits(64):016x}"


def _stamp(kwargs: dict[str, Any]) -> str:
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


class Index(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb does not type its hook
    """One of the table's indexes. They project keys only: an item's index copy costs one write unit, whatever its size,
    and readers fetch the items themselves, consistently."""


def index(number: int) -> Index:
    """Index 1 lists the entities of a tenant, index 2 finds due work, index 3 is for an entity's second listing."""
    attributes: dict[str, Any] = {
        "Meta": type("Meta", (), {"index_name": f"gsi{number}", "projection": KeysOnlyProjection()}),
        f"gsi{number}pk": UnicodeAttribute(hash_key=True),
        f"gsi{number}sk": UnicodeAttribute(range_key=True),
    }
    return cast(Index, type(f"Gsi{number}", (Index,), attributes)())


class Entity(Model):
    """An item of the table. A subclass names its `TYPE`, the prefix of its keys, and gives them as static functions.

    `LEDGER` entities are never deleted by time; `INDEX_TYPES` are the prefixes of its index partitions, by index name.
    """

    class Meta:
        table_name = TABLE

    TYPE: ClassVar[str] = ""
    GLOBAL: ClassVar[bool] = False
    LEDGER: ClassVar[bool] = False
    INDEX_TYPES: ClassVar[dict[str, str]] = {}

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    attempt = UnicodeAttribute(attr_name="att", null=True)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        return connection(cls)

    @classmethod
    def fetch(cls, pk: str, sk: str, *, consistent: bool = True) -> Self | None:
        """The item, or None. Reads are consistent unless the caller can live with a stale one at half the price."""
        data = cls._get_connection().get_item(pk, sk, consistent_read=consistent)
        item = data.get("Item")
        return cls.from_raw_data(item) if item else None

    def save(self, condition: Condition | None = None, *, add_version_condition: bool = False) -> dict[str, Any]:
        """Write the whole item. Only for items that are new, or whose content follows from their key."""
        self.attempt = fresh_attempt()
        return super().save(condition, add_version_condition=add_version_condition)

    def create(self) -> None:
        """Write the item if no item has its key. Raises ConditionFailed with the one that has."""
        self.save(condition=type(self).pk.does_not_exist())

    def change(self, *actions: Action, condition: Condition | None = None, unchanged: bool = False) -> None:
        """Update the stored item and this copy of it. The item must exist.

        `unchanged` also requires that nobody wrote it (by condition) since this copy was read. Raises ConditionFailed.
        """
        cls = type(self)
        wanted: Condition = cls.pk.exists()
        if unchanged:
            wanted &= (cls.attempt == self.attempt) if self.attempt else cls.attempt.does_not_exist()
        if condition is not None:
            wanted &= condition
        self.update(actions=list(actions), condition=wanted, add_version_condition=False)

    @classmethod
    def change_at(cls, pk: str, sk: str, *actions: Action, condition: Condition | None = None) -> dict[str, Any]:
        """Update an item that was not read (and, without a condition, may not exist); gives the raw item after it."""
        data = cls._get_connection().update_item(
            pk, sk, actions=list(actions), condition=condition, return_values="ALL_NEW"
        )
        return cast(dict[str, Any], data.get("Attributes", {}))

    @classmethod
    def many(cls, keys: Iterable[tuple[str, str]], *, consistent: bool = True) -> list[Self]:
        """The items of these keys that exist, in the order of the keys."""
        wanted = list(dict.fromkeys(keys))
        found = {(item.pk, item.sk): item for item in map(cls.from_raw_data, raw_many(wanted, consistent=consistent))}
        return [found[key] for key in wanted if key in found]


_shared: _Connection | None = None
_tables: dict[type, TableConnection] = {}


def connection(model: type[Entity] = Entity) -> TableConnection:
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
    from pynamodb.connection.base import MetaTable

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


def _client() -> Any:
    return connection().connection.client


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


def put_many(entities: Iterable[Entity]) -> None:
    """Write items whatever is there: only for rows whose content follows from their key, so that twice is the same."""
    write_many(entities)


def write_many(puts: Iterable[Entity] = (), deletes: Iterable[tuple[str, str]] = ()) -> None:
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


def raw(entity: Entity) -> dict[str, Any]:
    """The item as DynamoDB's JSON."""
    return entity.serialize()


class Transaction:
    """Facts that must agree: all are written, or none. At most 100 actions on different items.

    Conflicts with other transactions are tried again with full jitter; a failed condition raises TransactionRefused.
    """

    def __init__(self) -> None:
        self._actions: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._actions)

    def create(self, entity: Entity) -> Self:
        """Put an item whose key must be free."""
        return self.put(entity, type(entity).pk.does_not_exist())

    def put(self, entity: Entity, condition: Condition | None = None) -> Self:
        entity.attempt = fresh_attempt()
        kwargs = (
            type(entity)
            ._get_connection()
            .get_operation_kwargs(entity.pk, entity.sk, key="Item", attributes=raw(entity), condition=condition)
        )
        return self._add("Put", kwargs)

    def update(
        self, model: type[Entity], pk: str, sk: str, actions: Sequence[Action], condition: Condition | None = None
    ) -> Self:
        kwargs = model._get_connection().get_operation_kwargs(pk, sk, actions=list(actions), condition=condition)
        return self._add("Update", kwargs)

    def delete(self, model: type[Entity], pk: str, sk: str, condition: Condition | None = None) -> Self:
        return self._add("Delete", model._get_connection().get_operation_kwargs(pk, sk, condition=condition))

    def check(self, model: type[Entity], pk: str, sk: str, condition: Condition) -> Self:
        """Require something of an item without writing it."""
        return self._add("ConditionCheck", model._get_connection().get_operation_kwargs(pk, sk, condition=condition))

    def _add(self, verb: str, kwargs: dict[str, Any]) -> Self:
        if "ConditionExpression" in kwargs:
            kwargs["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        _stamp(kwargs)  # so that `change(unchanged=True)` also notices what a transaction wrote
        self._actions.append({verb: kwargs})
        return self

    def commit(self) -> None:
        """Write it. The SDK gives each call a `ClientRequestToken`, so its own retries cannot apply it twice."""
        for tried in range(60):
            try:
                _client().transact_write_items(TransactItems=self._actions)
                return
            except ClientError as error:
                if error.response["Error"]["Code"] not in (
                    "TransactionCanceledException",
                    "TransactionInProgressException",
                ):
                    raise
                reasons = error.response.get("CancellationReasons", [])
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                    raise TransactionRefused([_found(reason) for reason in reasons]) from error
                if any(reason.get("Code") == "ValidationError" for reason in reasons):
                    raise
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
        raise PynamoDBException("a transaction met conflicts sixty times")


def _found(reason: Mapping[str, Any]) -> dict[str, Any] | None:
    return reason.get("Item", {}) if reason.get("Code") == "ConditionalCheckFailed" else None


E = TypeVar("E", bound=Entity)


def keys_in_index(
    number: int,
    partition: str,
    *,
    after: tuple[str, ...] | None = None,
    newest_first: bool = True,
    limit: int | None = None,
) -> Iterator[tuple[str, str, str]]:
    """(pk, sk, index sort key) of an index partition in its order; `after` is that triple of the last one seen."""
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


def retried(change: Callable[[], E], tries: int = 20) -> E:
    """Run a read-and-conditionally-write until its condition holds: for items that several may change at once."""
    for tried in range(tries):
        try:
            return change()
        except ConditionFailed:
            if tried == tries - 1:
                raise
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
    raise AssertionError("unreachable")
