"""One message or record that cannot be done harms nobody but itself."""

import json
from typing import Any

import pytest
from drumbeat.declare import Declaration
from drumbeat.stream import Record, _Entry

from tests.sends import sent
from tests.unit.system.test_dead_letters import broken
from tests.world import World


def records(bodies: list[Any]) -> dict[str, Any]:
    texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
    return {"Records": [{"messageId": f"m{place}", "body": text} for place, text in enumerate(texts)]}


@pytest.mark.parametrize("poison", ["{", "[]", '{"eventType": "Delivery"}', "defect"])
def test_one_poisoned_message_of_ten_is_the_one_that_comes_again(world: World, poison: str) -> None:
    good, bad = sent(sizes=(9,)), sent(sizes=(1,))
    bodies: list[Any] = [good.event("Delivery", number) for number in range(9)]
    bodies.insert(4, bad.event("Delivery") if poison == "defect" else poison)

    with broken(bad.place().stat_key[0]):
        answer = world.run("feedback.apply_feedback", records(bodies))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m4"}]}
    assert good.stats() == {"delivered": set(range(9))}


def test_of_single_messages_too(world: World) -> None:
    gone = {"tenant": "ten_acme", "send": "snd_00000000000000000000000000"}

    answer = world.run("campaigns.roll_up_send", records([gone, {"tenant": 5}, gone]))

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


def stream_of(rule: Any, size: int) -> Any:
    """What Lambda gets from a stream function with this rule, for a batch of this size."""
    changes = [
        {
            "eventName": "INSERT",
            "dynamodb": {"SequenceNumber": str(place), "Keys": {"pk": {"S": f"T#{place}"}, "sk": {"S": "T"}}},
        }
        for place in range(size)
    ]
    declared = Declaration(kind="stream", name="tests.rule", summary="", refusals="")
    return _Entry(declared, rule)({"Records": changes}, None)["batchItemFailures"]


def test_a_record_that_makes_the_rule_raise_does_not_keep_those_behind_it(world: World) -> None:
    done: list[str] = []

    def rule(changes: list[Record]) -> None:
        if any(change.pk == "T#3" for change in changes):
            raise ZeroDivisionError
        done.extend(change.pk for change in changes)

    assert stream_of(rule, 6) == [{"itemIdentifier": "3"}]
    assert done == ["T#0", "T#1", "T#2", "T#4", "T#5"]
    assert stream_of(rule, 3) == []


def test_the_records_of_an_item_stay_in_their_order_behind_one_that_fails(world: World) -> None:
    done: list[str] = []

    def rule(changes: list[Record]) -> None:
        if any(change.new == {"step": {"N": "1"}} for change in changes):
            raise ZeroDivisionError
        done.extend(f"{change.pk} {change.new['step']['N']}" for change in changes)

    changes = [
        {
            "eventName": "MODIFY",
            "dynamodb": {
                "SequenceNumber": str(place), "Keys": {"pk": {"S": item}, "sk": {"S": "T"}},
                "NewImage": {"step": {"N": str(place)}},
            },
        }
        for place, item in enumerate(("T#a", "T#b", "T#b", "T#a"))
    ]  # fmt: skip
    declared = Declaration(kind="stream", name="tests.rule", summary="", refusals="")
    failed = _Entry(declared, rule)({"Records": changes}, None)["batchItemFailures"]

    assert failed == [{"itemIdentifier": "1"}]
    assert done == ["T#a 0", "T#a 3"]


def test_a_batch_of_the_stream_that_only_fails_together_is_done_alone(world: World) -> None:
    def rule(changes: list[Record]) -> None:
        if len(changes) > 1:
            raise RecursionError

    assert stream_of(rule, 4) == []
