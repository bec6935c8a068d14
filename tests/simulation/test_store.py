"""The store in memory against moto: the same random operations, the same answers, refusals and items."""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from drumbeat import table

from tests.simulation.store import Store
from tests.world import World

OPERATIONS = 250
UNCOMPARED = (
    "ResponseMetadata",
    "UnprocessedItems",
    "UnprocessedKeys",
    "ScannedCount",
    "ConsumedCapacity",
    "ItemCollectionMetrics",
)
KEYS = [(f"CHUNK#ten_acme#{one}", f"{number:06d}") for one in "ab" for number in range(4)]
DUE = ("DUE#ses#1", "DUE#ses#2")


def _value(chance: random.Random) -> dict[str, Any]:
    return chance.choice(
        (
            {"S": chance.choice(("", "a", "ab", "b", "é"))},
            {"N": chance.choice(("1", "2", "10", "-3", "2.5"))},
            {"NS": chance.sample(["1", "2", "3", "10"], chance.randint(1, 3))},
            {"BOOL": False},  # moto takes True for the number 1
            {"B": chance.choice((b"a", b"ab"))},
        )
    )


CONDITIONS = (
    "attribute_exists (#a)", "attribute_not_exists (#a)", "#a = :v", "#a <> :v", "(#a = :v AND attribute_exists (pk))",
    "attribute_exists (#a) AND NOT #a = :v", "(attribute_not_exists (#a) OR #n < :n)", "#n <= :n", "#n > :n",
    "#n BETWEEN :n AND :m", "#a IN (:v, :w)", "begins_with (#t, :t)", "contains (#s, :n)",
    "(attribute_exists (#s) AND size (#s) = :n)",  # moto fails where there is nothing to measure
)  # fmt: skip
UPDATES = (
    "SET #a = :v", "SET #n = :n", "SET #n = if_not_exists (#n, :n), #a = :v", "ADD #n :n", "ADD #s :s",
    "SET #a = :v ADD #s :s REMOVE #t", "DELETE #s :s", "REMOVE #a, #t", "SET #t = :t, gsi2pk = :p, gsi2sk = :q",
    "REMOVE gsi2pk, gsi2sk",
)  # fmt: skip


class Twins:
    """One table in memory and one on moto, given the same requests."""

    def __init__(self) -> None:
        self.store = Store(lambda: 0.0)
        self.client = table.connection().connection.client
        for item in self.client.scan(TableName=table.TABLE)["Items"]:
            self.client.delete_item(TableName=table.TABLE, Key={"pk": item["pk"], "sk": item["sk"]})

    def ask(self, operation: str, kwargs: Mapping[str, Any]) -> tuple[Any, Any]:
        """What the store and what moto answers, or how they refuse."""
        return self._ours(operation, kwargs), self._theirs(operation, kwargs)

    def _ours(self, operation: str, kwargs: Mapping[str, Any]) -> Any:
        try:
            return _plain(self.store.perform(operation, kwargs))
        except ClientError as error:
            return _refused(error)

    def _theirs(self, operation: str, kwargs: Mapping[str, Any]) -> Any:
        try:
            return _plain(self.client._make_api_call(operation, dict(kwargs)))
        except ClientError as error:
            return _refused(error)


def _plain(answer: Any) -> Any:
    """An answer without what only one of the two has, sets without an order."""
    if isinstance(answer, dict):
        return {
            name: sorted(held) if name in ("NS", "SS") else _plain(held)
            for name, held in answer.items()
            if name not in UNCOMPARED
        }
    return [_plain(one) for one in answer] if isinstance(answer, list) else answer


def _refused(error: ClientError) -> Any:
    reasons = [(reason["Code"], _plain(reason.get("Item"))) for reason in error.response.get("CancellationReasons", [])]
    return error.response["Error"]["Code"], _plain(error.response.get("Item")), reasons


def _used(text: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the placeholders that a text has: DynamoDB refuses others."""
    return {name: value for name, value in known.items() if name in text.replace(",", " ").replace(")", " ").split()}


def _conditional(chance: random.Random, body: dict[str, Any], update: str = "") -> dict[str, Any]:
    names = {"#a": "a", "#n": "n", "#t": "t", "#s": "s"}
    values = {
        ":v": _value(chance), ":w": _value(chance), ":n": {"N": str(chance.randint(0, 5))}, ":m": {"N": "7"},
        ":t": {"S": "a"}, ":s": {"NS": chance.sample(["1", "2", "3"], 2)}, ":p": {"S": chance.choice(DUE)},
        ":q": {"S": f"{chance.randint(0, 9)}#x"},
    }  # fmt: skip
    body["TableName"] = table.TABLE
    text = update
    if chance.random() < 0.6:
        body["ConditionExpression"] = chance.choice(CONDITIONS)
        body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        text = f"{update} {body['ConditionExpression'].replace('(', ' ( ')}"
    if update:
        body["UpdateExpression"] = update
    for kind, known in (("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)):
        if used := _used(text, known):
            body[kind] = used
    return body


def _item(chance: random.Random, key: tuple[str, str]) -> dict[str, Any]:
    item = {"pk": {"S": key[0]}, "sk": {"S": key[1]}, "a": _value(chance), "n": {"N": str(chance.randint(0, 5))}}
    if chance.random() < 0.5:
        item |= {"gsi2pk": {"S": chance.choice(DUE)}, "gsi2sk": {"S": f"{chance.randint(0, 9)}#x"}}
    if chance.random() < 0.5:
        item |= {"t": {"S": chance.choice(("a", "ab", "b"))}, "s": {"NS": ["1", "2"]}}
    return item


def _key_of(key: tuple[str, str]) -> dict[str, Any]:
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def _single(chance: random.Random, key: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    verb = chance.choice(("Put", "Update", "Update", "Update", "Delete", "ConditionCheck"))
    if verb == "Put":
        return verb, _conditional(chance, {"Item": _item(chance, key)})
    body = _conditional(chance, {"Key": _key_of(key)}, chance.choice(UPDATES) if verb == "Update" else "")
    if verb == "ConditionCheck" and "ConditionExpression" not in body:
        return verb, {**body, "ConditionExpression": "attribute_exists (pk)"}
    return verb, body


def _request(chance: random.Random) -> tuple[str, dict[str, Any]]:
    drawn = chance.random()
    if drawn < 0.5:
        verb, body = _single(chance, chance.choice(KEYS))
        if verb == "ConditionCheck":
            return "GetItem", {"TableName": table.TABLE, "Key": body["Key"], "ConsistentRead": True}
        return f"{verb}Item", {**body, **({"ReturnValues": "ALL_NEW"} if verb == "Update" else {})}
    if drawn < 0.7:
        keys = chance.sample(KEYS, chance.randint(1, 4))
        return "TransactWriteItems", {
            "TransactItems": [dict([_single(chance, key)]) for key in keys],
            "ClientRequestToken": f"{chance.getrandbits(64):x}",
        }
    if drawn < 0.8:
        keys = chance.sample(KEYS, chance.randint(1, 5))
        requests = [
            {"PutRequest": {"Item": _item(chance, key)}}
            if chance.random() < 0.7
            else {"DeleteRequest": {"Key": _key_of(key)}}
            for key in keys
        ]
        return "BatchWriteItem", {"RequestItems": {table.TABLE: requests}}
    return "Query", _query(chance)


RANGES = ("", " AND begins_with (sk, :b)", " AND sk BETWEEN :b AND :c", " AND sk = :b", " AND sk >= :b", " AND sk < :c")


def _query(chance: random.Random) -> dict[str, Any]:
    kwargs: dict[str, Any] = {"TableName": table.TABLE, "ScanIndexForward": chance.random() < 0.5}
    if chance.random() < 0.5:
        partition = {":p": {"S": chance.choice(DUE)}}
        return {
            **kwargs, "IndexName": "gsi2", "KeyConditionExpression": "gsi2pk = :p",
            "ExpressionAttributeValues": partition, "ProjectionExpression": "gsi2sk",
        }  # fmt: skip
    text = "pk = :p" + chance.choice(RANGES)
    known = {":p": {"S": chance.choice(KEYS)[0]}, ":b": {"S": "000001"}, ":c": {"S": "000002"}}
    return {**kwargs, "KeyConditionExpression": text, "ExpressionAttributeValues": _used(text, known)}


@pytest.mark.parametrize("seed", [1, 2])
def test_it_answers_as_moto_does(world: World, seed: int) -> None:
    chance, twins = random.Random(seed), Twins()
    for number in range(OPERATIONS):
        operation, kwargs = _request(chance)
        ours, theirs = twins.ask(operation, kwargs)
        assert ours == theirs, f"{number}: {operation} {kwargs}"
    kept = twins.client.scan(TableName=table.TABLE)["Items"]
    assert {(item["pk"]["S"], item["sk"]["S"]): _plain(item) for item in kept} == _plain(twins.store.items)
