"""DynamoDB in memory, which also computes what each request would consume: fast enough for a hundred thousand mails.

Units by DynamoDB's rules (docs.aws.amazon.com/amazondynamodb/latest/developerguide, "Capacity unit consumption"): a
write is billed by the larger of the item before and after it, in steps of 1 KB, twice in a transaction; a write that
fails its condition is billed too. An index entry that appears, vanishes or changes its place costs writes of its own.
Reads are billed in steps of 4 KB, half when they may be stale; a batch item by item, a query by the sum of its items.
"""

import bisect
import math
import os
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tests.bench import expressions
from tests.bench.expressions import Item as Item

INDEXES = ("gsi1", "gsi2", "gsi3")
PAGE = 1 << 20
Key = tuple[str, str]
NOTHING: Item = {}


class Refused(Exception):
    """An error that DynamoDB answers with."""

    def __init__(self, code: str, **more: Any) -> None:
        super().__init__(code)
        self.code, self.more = code, more


def size(item: Mapping[str, Any]) -> int:
    """Bytes of an item: names and values, in UTF-8."""
    return sum(len(name) + _bytes(value) for name, value in item.items())


def _bytes(value: Mapping[str, Any]) -> int:
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return len(held) if held.isascii() else len(held.encode())
        case "N":
            return (len(held.lstrip("-").replace(".", "")) + 1) // 2 + 1
        case "B":
            return len(held) * 3 // 4
        case "SS" | "NS" | "BS":
            return sum(_bytes({kind[0]: one}) for one in held)
        case "L":
            return 3 + sum(1 + _bytes(one) for one in held)
        case "M":
            return 3 + sum(1 + len(name) + _bytes(one) for name, one in held.items())
    return 1


class Table:
    """The table. `units(kind, number)` is told what is consumed, `changed(old, new)` of every write that happened."""

    def __init__(self, units: Callable[[str, float], None], changed: Callable[[Item, Item], None]) -> None:
        self.units, self.changed = units, changed
        self.items: dict[Key, Item] = {}
        self.sizes: dict[Key, int] = {}
        self.order: dict[str, defaultdict[str, list[tuple[str, ...]]]] = {
            name: defaultdict(list) for name in ("", *INDEXES)
        }

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        """The answer to a request. Raises Refused."""
        done: Callable[[dict[str, Any]], dict[str, Any]] = getattr(self, f"_{operation}")
        return done(asked)

    def _DescribeTable(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return {"Table": {"LatestStreamArn": f"arn:aws:dynamodb:table/drumbeat/stream/{os.environ['ENVIRONMENT_ID']}"}}

    def store(self, key: Key, after: Item | None) -> int:
        """Write or remove an item without billing; gives the writes to indexes that this takes."""
        before = self.items.get(key, NOTHING)
        if after is None:
            self.items.pop(key, None)
            self.sizes.pop(key, None)
        else:
            self.items[key] = after
            self.sizes[key] = size(after)
        if not before and after is not None:
            bisect.insort(self.order[""][key[0]], (key[1],))
        elif before and after is None:
            self.order[""][key[0]].remove((key[1],))
        return sum(self._index(name, key, before, after or NOTHING) for name in INDEXES)

    def _index(self, name: str, key: Key, before: Item, after: Item) -> int:
        old, new = _place(name, before), _place(name, after)
        if old == new:
            return 0
        if old:
            entries = self.order[name][old[0]]
            del entries[bisect.bisect_left(entries, (old[1], *key))]
        if new:
            bisect.insort(self.order[name][new[0]], (new[1], *key))
        return (old is not None) + (new is not None)

    def _written(self, key: Key, after: Item | None, times: int = 1) -> None:
        before, was = self.items.get(key, NOTHING), self.sizes.get(key, 0)
        indexed = self.store(key, after)
        self.units("table writes", times * max(1, math.ceil(max(was, self.sizes.get(key, 0)) / 1024)))
        if indexed:
            self.units("index writes", indexed)
        if before is not after:
            self.changed(before, after or NOTHING)

    def _checked(self, key: Key, asked: Mapping[str, Any]) -> Item:
        """The item, if the condition of a write holds. Raises Refused."""
        item = self.items.get(key, NOTHING)
        text = asked.get("ConditionExpression")
        if text and not expressions.condition(text)(
            item, asked.get("ExpressionAttributeNames", {}), asked.get("ExpressionAttributeValues", {})
        ):
            raise Refused("ConditionalCheckFailedException", **({"Item": item} if item else {}))
        return item

    def _after(self, key: Key, verb: str, asked: Mapping[str, Any]) -> Item | None:
        """What a write makes of its item. Raises Refused."""
        item = self._checked(key, asked)
        if verb == "Put":
            return dict(asked["Item"])
        if verb == "Delete":
            return None
        if verb == "ConditionCheck":
            return item
        return expressions.updated(
            item or {"pk": {"S": key[0]}, "sk": {"S": key[1]}},
            asked["UpdateExpression"],
            asked.get("ExpressionAttributeNames", {}),
            asked.get("ExpressionAttributeValues", {}),
        )

    def _single(self, verb: str, asked: dict[str, Any]) -> dict[str, Any]:
        key = _key(asked)
        try:
            after = self._after(key, verb, asked)
        except Refused:
            self.units("table writes", max(1, math.ceil(self.sizes.get(key, 0) / 1024)))
            raise
        self._written(key, after)
        return {"Attributes": after} if asked.get("ReturnValues") == "ALL_NEW" else {}

    def _PutItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802 - operations by DynamoDB's names
        return self._single("Put", asked)

    def _UpdateItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._single("Update", asked)

    def _DeleteItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        return self._single("Delete", asked)

    def _TransactWriteItems(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        planned: list[tuple[Key, Item | None]] = []
        reasons: list[dict[str, Any]] = []
        for action in asked["TransactItems"]:
            ((verb, wanted),) = action.items()
            try:
                planned.append((_key(wanted), self._after(_key(wanted), verb, wanted)))
                reasons.append({"Code": "None"})
            except Refused as refused:
                reasons.append({"Code": "ConditionalCheckFailed", **refused.more})
        if len(planned) < len(reasons):
            self.units("table writes", 2 * len(reasons))
            raise Refused("TransactionCanceledException", CancellationReasons=reasons)
        for key, after in planned:
            self._written(key, after, times=2)
        return {}

    def _BatchWriteItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        for requests in asked["RequestItems"].values():
            for request in requests:
                ((verb, wanted),) = request.items()
                self._written(_key(wanted), wanted["Item"] if verb == "PutRequest" else None)
        return {"UnprocessedItems": {}}

    def _read(self, total: int, asked: Mapping[str, Any]) -> None:
        consistent = bool(asked.get("ConsistentRead"))
        self.units(
            "reads" if consistent else "stale reads", max(1, math.ceil(total / 4096)) * (1 if consistent else 0.5)
        )

    def _GetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        key = _key(asked)
        self._read(self.sizes.get(key, 0), asked)
        item = self.items.get(key)
        return {"Item": item} if item else {}

    def _BatchGetItem(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        found: dict[str, list[Item]] = {}
        for name, wanted in asked["RequestItems"].items():
            keys = [(key["pk"]["S"], key["sk"]["S"]) for key in wanted["Keys"]]
            for key in keys:
                self._read(self.sizes.get(key, 0), wanted)
            found[name] = [self.items[key] for key in keys if key in self.items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def _Query(self, asked: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
        test = expressions.condition(asked["KeyConditionExpression"])
        index = asked.get("IndexName", "")
        partition = next(iter(values.values()))["S"]
        found: list[Item] = []
        total, last = 0, None
        for item, length in self._run(index, partition, asked):
            if not test(item, names, values):
                continue
            if total >= PAGE or len(found) == asked.get("Limit"):
                last = found[-1]
                break
            found.append(item)
            total += length
        self._read(total, asked)
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(found)}
        if asked.get("Select") != "COUNT":
            answer["Items"] = [_projected(item, asked, names) for item in found]
        if last:
            parts = ("pk", "sk", f"{index}pk", f"{index}sk") if index else ("pk", "sk")
            answer["LastEvaluatedKey"] = {part: last[part] for part in parts}
        return answer

    def _run(self, index: str, partition: str, asked: Mapping[str, Any]) -> Iterator[tuple[Item, int]]:
        """The entries of a partition in the wanted direction, behind the start key."""
        entries = self.order[index].get(partition, [])
        forward = asked.get("ScanIndexForward", True)
        places: range = range(len(entries)) if forward else range(len(entries) - 1, -1, -1)
        if start := asked.get("ExclusiveStartKey"):
            names = (f"{index}sk", "pk", "sk") if index else ("sk",)
            behind = tuple(start[name]["S"] for name in names)
            places = (
                range(bisect.bisect_right(entries, behind), len(entries))
                if forward
                else range(bisect.bisect_left(entries, behind) - 1, -1, -1)
            )
        for place in places:
            key = entries[place][1:] if index else (partition, entries[place][0])
            item = self.items[key[0], key[1]]
            if index:
                item = {name: item[name] for name in ("pk", "sk", f"{index}pk", f"{index}sk")}
            yield item, size(item) if index else self.sizes[key[0], key[1]]


def _place(name: str, item: Item) -> Key | None:
    pk, sk = item.get(f"{name}pk"), item.get(f"{name}sk")
    return (pk["S"], sk["S"]) if pk and sk else None


def _key(asked: Mapping[str, Any]) -> Key:
    held = asked.get("Key") or asked["Item"]
    return held["pk"]["S"], held["sk"]["S"]


def _projected(item: Item, asked: Mapping[str, Any], names: Mapping[str, str]) -> Item:
    wanted = asked.get("ProjectionExpression")
    if not wanted:
        return item
    shown = [names.get(name.strip(), name.strip()) for name in wanted.split(",")]
    return {name: item[name] for name in shown if name in item}
