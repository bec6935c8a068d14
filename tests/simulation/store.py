"""DynamoDB in memory: one table with its three KEYS_ONLY indexes, conditions, transactions and a stream.

It stands in for the service behind botocore's client, and answers and refuses in the service's own shapes; that it does
so is tried against moto (test_store). It takes items as they come, raw, and shares them with its readers: nobody may
change one. What its callers never use (Scan, PartiQL, other projections) is not there.
"""

import bisect
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.expressions import Item
from tests.simulation.items import (
    INDEXES,
    Key,
    after,
    bounds,
    cancelled,
    given,
    holds,
    key_of,
    place_in,
    projected,
    refusal,
    updated,
    valid,
    wants_old,
)

Entry = tuple[str, str, str]  # an index's: its sort key, pk and sk
# A ClientRequestToken is known for so long (API_TransactWriteItems).
TOKEN_SECONDS = 600.0
MOST_ACTIONS, MOST_PUTS, MOST_GETS = 100, 25, 100
CONDITION_FAILED = "The conditional request failed"


class Store:
    """The table. `watched` are the types whose changes the stream has (all others would only be dropped again)."""

    def __init__(self, now: Callable[[], float], watched: frozenset[str] = frozenset()) -> None:
        self.now, self.watched = now, watched
        self.items: dict[Key, Item] = {}
        self.sorts: dict[str, list[str]] = {}
        self.indexes: dict[str, dict[str, list[Entry]]] = {name: {} for name in INDEXES}
        self.records: list[dict[str, Any]] = []
        self.written = 0
        self._tokens: dict[str, tuple[float, Any]] = {}
        self._operations: dict[str, Callable[[Any], dict[str, Any]]] = {
            "GetItem": self._get, "PutItem": self._put, "UpdateItem": self._update, "DeleteItem": self._delete,
            "Query": self._query, "BatchGetItem": self._get_many, "BatchWriteItem": self._write_many,
            "TransactWriteItems": self._together,
        }  # fmt: skip

    def copy(self, now: Callable[[], float]) -> "Store":
        """Another table with the same items, and a stream that begins behind them."""
        made = Store(now, self.watched)
        made.items = dict(self.items)
        made.sorts = {pk: list(sorts) for pk, sorts in self.sorts.items()}
        made.indexes = {
            name: {pk: list(entries) for pk, entries in partitions.items()} for name, partitions in self.indexes.items()
        }
        return made

    def perform(self, operation: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """What DynamoDB answers. Raises ClientError with its code."""
        return self._operations[operation](kwargs)

    def find(self, pk: str, sk: str) -> Item | None:
        """An item, for whoever looks at the table from outside."""
        return self.items.get((pk, sk))

    def partition(self, pk: str) -> list[Item]:
        """A partition's items in their order."""
        return [self.items[pk, sk] for sk in self.sorts.get(pk, ())]

    def write(self, item: Item) -> None:
        """Put an item whatever is there."""
        self._store((item["pk"]["S"], item["sk"]["S"]), item)

    def remove(self, key: Key) -> None:
        self._store(key, None)

    # Reading

    def _get(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        found = self.items.get(key_of(kwargs["Key"]))
        return {} if found is None else {"Item": projected(found, kwargs)}

    def _get_many(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        ((table, asked),) = kwargs["RequestItems"].items()
        keys = [key_of(one) for one in asked["Keys"]]
        if not keys or len(keys) > MOST_GETS or len(set(keys)) < len(keys):
            raise refusal("BatchGetItem", "ValidationException", "Provided list of item keys contains duplicates")
        found = [projected(self.items[key], asked) for key in keys if key in self.items]
        return {"Responses": {table: found}, "UnprocessedKeys": {}}

    def _query(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        index = kwargs.get("IndexName")
        entries = self._index_range(index, kwargs) if index else self._range(kwargs)
        limit = kwargs.get("Limit") or len(entries) + 1
        page = entries[:limit]
        last = self._last(index, kwargs, page[-1]) if len(page) == limit else None
        more = {"LastEvaluatedKey": last} if last else {}
        if kwargs.get("Select") == "COUNT":
            return {"Count": len(page), "ScannedCount": len(page), **more}
        if index:
            found = self._index_items(index, kwargs, page)
        else:
            found = [projected(self.items[pk, sk], kwargs) for _, pk, sk in page]
        return {"Items": found, "Count": len(found), "ScannedCount": len(page), **more}

    def _range(self, kwargs: Mapping[str, Any]) -> list[Entry]:
        pk, low, high = bounds(kwargs)
        sorts = self.sorts.get(pk, [])
        start = kwargs.get("ExclusiveStartKey")
        forward = kwargs.get("ScanIndexForward", True)
        first, last = bisect.bisect_left(sorts, low), bisect.bisect_left(sorts, high)
        if start:
            place = start["sk"]["S"]
            if forward:
                first = max(first, bisect.bisect_right(sorts, place))
            else:
                last = min(last, bisect.bisect_left(sorts, place))
        found = [(sk, pk, sk) for sk in sorts[first:last]]
        return found if forward else found[::-1]

    def _index_range(self, index: str, kwargs: Mapping[str, Any]) -> list[Entry]:
        partition, low, high = bounds(kwargs)
        entries = self.indexes[index].get(partition, [])
        start = kwargs.get("ExclusiveStartKey")
        forward = kwargs.get("ScanIndexForward", True)
        first, last = bisect.bisect_left(entries, (low, "", "")), bisect.bisect_left(entries, (high, "", ""))
        if start:
            place = (start[f"{index}sk"]["S"], start["pk"]["S"], start["sk"]["S"])
            if forward:
                first = max(first, bisect.bisect_right(entries, place))
            else:
                last = min(last, bisect.bisect_left(entries, place))
        found = entries[first:last]
        return found if forward else found[::-1]

    def _index_items(self, index: str, kwargs: Mapping[str, Any], page: list[Entry]) -> list[Item]:
        partition = {"S": bounds(kwargs)[0]} if page else {}
        items = [
            {"pk": {"S": pk}, "sk": {"S": sk}, f"{index}pk": partition, f"{index}sk": {"S": sort}}
            for sort, pk, sk in page
        ]
        return [projected(item, kwargs) for item in items]

    def _last(self, index: str | None, kwargs: Mapping[str, Any], entry: Entry) -> Item:
        sort, pk, sk = entry
        key = {"pk": {"S": pk}, "sk": {"S": sk}}
        return {**key, f"{index}pk": {"S": bounds(kwargs)[0]}, f"{index}sk": {"S": sort}} if index else key

    # Writing

    def _put(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        item = valid("PutItem", kwargs["Item"])
        key = key_of(item)
        old = self._required("PutItem", key, kwargs)
        self._store(key, item)
        return given(kwargs, old, item)

    def _update(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        key = key_of(kwargs["Key"])
        old = self._required("UpdateItem", key, kwargs)
        new = updated("UpdateItem", old, kwargs)
        self._store(key, new)
        return given(kwargs, old, new)

    def _delete(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        key = key_of(kwargs["Key"])
        old = self._required("DeleteItem", key, kwargs)
        self._store(key, None)
        return given(kwargs, old, {})

    def _required(self, operation: str, key: Key, kwargs: Mapping[str, Any]) -> Item | None:
        """The item as it is; ConditionalCheckFailedException when the condition does not hold."""
        old = self.items.get(key)
        if not holds(old, kwargs):
            more = {"Item": dict(old)} if old and wants_old(kwargs) else {}
            raise refusal(operation, "ConditionalCheckFailedException", CONDITION_FAILED, **more)
        return old

    def _write_many(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        ((_, requests),) = kwargs["RequestItems"].items()
        wanted: dict[Key, Item | None] = {}
        for request in requests:
            ((verb, body),) = request.items()
            item = valid("BatchWriteItem", body["Item"]) if verb == "PutRequest" else None
            key = key_of(item or body["Key"])
            if key in wanted:
                raise refusal("BatchWriteItem", "ValidationException", "Provided list of item keys contains duplicates")
            wanted[key] = item
        if not wanted or len(wanted) > MOST_PUTS:
            raise refusal("BatchWriteItem", "ValidationException", "too many items")
        for key, item in wanted.items():
            self._store(key, item)
        return {"UnprocessedItems": {}}

    def _together(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        token = kwargs.get("ClientRequestToken", "")
        if self._known(token, kwargs["TransactItems"]):
            return {}
        actions = [next(iter(action.items())) for action in kwargs["TransactItems"]]
        keys = [key_of(body.get("Item") or body["Key"]) for _, body in actions]
        if not keys or len(keys) > MOST_ACTIONS or len(set(keys)) < len(keys):
            message = "Transaction request cannot include multiple operations on one item"
            raise refusal("TransactWriteItems", "ValidationException", message)
        reasons = [self._reason(key, body) for key, (_, body) in zip(keys, actions, strict=True)]
        if any(reason["Code"] != "None" for reason in reasons):
            raise cancelled(reasons)
        new = [after(verb, self.items.get(key), body) for key, (verb, body) in zip(keys, actions, strict=True)]
        for key, (verb, _), item in zip(keys, actions, new, strict=True):
            if verb != "ConditionCheck":
                self._store(key, item)
        if token:
            self._tokens[token] = (self.now(), kwargs["TransactItems"])
        return {}

    def _known(self, token: str, actions: Any) -> bool:
        """Whether a transaction with this token was written in the last ten minutes."""
        at, written = self._tokens.get(token, (float("-inf"), None))
        if self.now() - at > TOKEN_SECONDS:
            return False
        if written != actions:
            message = "The request uses the same client token as a previous, but non-identical request"
            raise refusal("TransactWriteItems", "IdempotentParameterMismatchException", message)
        return True

    def _reason(self, key: Key, body: Mapping[str, Any]) -> dict[str, Any]:
        old = self.items.get(key)
        if holds(old, body):
            return {"Code": "None"}
        more = {"Item": dict(old)} if old and wants_old(body) else {}
        return {"Code": "ConditionalCheckFailed", "Message": CONDITION_FAILED, **more}

    def _store(self, key: Key, item: Item | None) -> None:
        """Put (or with None delete) an item, keep the indexes, and tell the stream."""
        pk, sk = key
        old = self.items.get(key)
        if item is None:
            if old is None:
                return
            del self.items[key]
            sorts = self.sorts[pk]
            del sorts[bisect.bisect_left(sorts, sk)]
        else:
            self.items[key] = item
            if old is None:
                bisect.insort(self.sorts.setdefault(pk, []), sk)
        for index in INDEXES:
            was, now = place_in(index, old), place_in(index, item)
            if was != now:
                self._move(index, key, was, now)
        self.written += 1
        if pk[: pk.index("#")] in self.watched and old != item:
            self._tell(key, old, item)

    def _move(self, index: str, key: Key, was: Key | None, now: Key | None) -> None:
        partitions = self.indexes[index]
        if was:
            entries = partitions[was[0]]
            del entries[bisect.bisect_left(entries, (was[1], *key))]
        if now:
            bisect.insort(partitions.setdefault(now[0], []), (now[1], *key))

    def _tell(self, key: Key, old: Item | None, new: Item | None) -> None:
        name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
        change: dict[str, Any] = {
            "Keys": {"pk": {"S": key[0]}, "sk": {"S": key[1]}}, "SequenceNumber": f"{self.written:021d}"
        }  # fmt: skip
        if old is not None:
            change["OldImage"] = old
        if new is not None:
            change["NewImage"] = new
        self.records.append({"eventName": name, "dynamodb": change})
