"""Budgets that can be held by counting: what an endpoint imports, what a mail makes the worker ask for.

`make bench` measures the same by clock and price; these fail at once when something is added that would cost it.
"""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from drumbeat import aws, table
from drumbeat.sends import gate, rollups
from drumbeat.sends.model import Chunk, Send

from tests.bench import expressions, imports, prices
from tests.bench.dynamo import Refused, Table, size
from tests.unit.campaigns.conftest import Shop
from tests.unit.campaigns.conftest import mails as mails
from tests.unit.campaigns.conftest import shop as shop

# Modules that pynamodb and pydantic do not load: our own, Powertools, and of the standard library.
MOST_MODULES = 150
PLAIN = (
    "contacts.get_contact",
    "segments.get_segment",
    "accounts.get_me",
    "activity.record_events",
    "system.get_health",
)


@pytest.mark.parametrize("name", PLAIN)
def test_an_endpoint_with_an_api_key_imports_nothing_that_only_others_need(name: str) -> None:
    found = imports.of_function(name)
    assert found.heavy == ()
    assert found.modules - imports.measured(imports.BASELINE).modules <= MOST_MODULES


def test_who_steers_a_campaign_does_not_pay_for_what_requests_of_other_contexts_say() -> None:
    """Models of requests and answers are half of what our own modules cost: what only names their types must not load
    them."""
    ours = set(imports.of_function("campaigns.pause_campaign").ours)
    assert ours.isdisjoint({f"drumbeat.{context}.views" for context in ("activity", "deliverability", "products")})


def test_models_are_built_when_they_are_used_and_those_of_an_endpoint_before_its_first_request() -> None:
    """At a start a function has a whole processor, and a seventh of one for a request."""
    loaded = """
from drumbeat.contacts.views import ContactView, NewContact
assert not ContactView.__pydantic_complete__ and not NewContact.__pydantic_complete__
from drumbeat.fields import build, reader
build(ContactView)
assert ContactView.__pydantic_complete__ and reader(NewContact).pydantic_complete
"""
    assert imports.measured(loaded).heavy == ()


@pytest.mark.parametrize("name", ["tracking.record_open", "tracking.follow_link", "feedback.apply_feedback"])
def test_what_runs_for_every_open_and_click_imports_no_template_engine(name: str) -> None:
    assert imports.of_function(name).heavy == ()


def test_the_worker_needs_the_engine_and_no_other_heavy_package() -> None:
    found = imports.of_function("sends.deliver_chunk")
    assert set(found.heavy) <= {"liquid", "babel"}
    # What a launch needs of them is kept with the send; their models cost an eighth of the start.
    assert "drumbeat.accounts.settings" not in found.ours


@contextmanager
def _requests() -> Iterator[list[str]]:
    """The names of the requests to the table and to queues."""
    made: list[str] = []

    def note(model: object, **_: object) -> None:
        made.append(str(getattr(model, "name", "")))

    clients = [table.connection().connection.client, aws.client("sqs")]
    for client in clients:
        client.meta.events.register("before-call.*.*", note, unique_id="counted")
    try:
        yield made
    finally:
        for client in clients:
            client.meta.events.unregister("before-call.*.*", unique_id="counted")


def test_a_chunk_takes_as_many_requests_for_fifty_recipients_as_for_one(shop: Shop) -> None:
    """No request of the worker's is for a single recipient, but for the rows, which go 25 a request."""
    took = {}
    for many in (1, 50):
        for number in range(many):
            shop.contact(f"person{many}-{number}@town.example")
        campaign = shop.campaign(audience={"segments": [shop.segment(f"Those {many}", **_of(many))]})
        shop.do("launch", campaign)
        shop.world._machines()
        send = next(iter(_chunks(shop, campaign)))
        message = dict(zip(("tenant", "send", "shard", "number"), send.place, strict=True))
        gate.ask("ses")  # what an instance reads once in five seconds
        with _requests() as made:
            shop.world.run("sends.deliver_chunk", _event(message))
        took[many] = [name for name in made if name != "BatchWriteItem"]
        assert made.count("BatchWriteItem") == math.ceil(many / 25)
    assert took[1] == took[50]
    assert len(took[50]) <= 11


def _of(many: int) -> dict[str, object]:
    condition = {"field": "email", "operator": "starts_with", "value": f"person{many}-"}
    return {"logic": "AND", "conditions": [condition]}


def _chunks(shop: Shop, campaign: str) -> list[Chunk]:
    send_id = shop.do("get", campaign).data["send_id"]
    send = Send.fetch(*Send.key("ten_acme", send_id))
    assert send is not None
    return [
        chunk
        for shard in range(int(send.plan_shards))
        for chunk in table.rows(Chunk, f"CHUNK#ten_acme#{send_id}#{shard}")
    ]


def _event(message: dict[str, object]) -> dict[str, object]:
    return {"Records": [{"messageId": "1", "body": json.dumps(message), "attributes": {}}]}


def test_roll_ups_become_rarer_as_a_send_gets_older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reads the whole send: every five seconds for three days would cost more than all the rest."""
    from tests.bench.send_run import LAST_OPEN, roll_ups

    monkeypatch.setattr(rollups, "EVERY", 5)
    assert roll_ups(60) >= 9
    assert roll_ups(LAST_OPEN) <= 400


def test_the_emulated_table_bills_by_the_rules_of_dynamodb() -> None:
    billed: list[tuple[str, float]] = []
    made = Table(lambda kind, number: billed.append((kind, number)), lambda old, new: None)
    item = {"pk": {"S": "A#1"}, "sk": {"S": "A"}, "gsi1pk": {"S": "L"}, "gsi1sk": {"S": "1"}, "text": {"S": "x" * 1500}}
    assert size(item) == 2 + 3 + 2 + 1 + 6 + 1 + 6 + 1 + 4 + 1500

    made.answer("PutItem", {"Item": item})
    made.answer("GetItem", {"Key": {"pk": {"S": "A#1"}, "sk": {"S": "A"}}, "ConsistentRead": True})
    made.answer("GetItem", {"Key": {"pk": {"S": "A#1"}, "sk": {"S": "A"}}})
    shorter = {"Key": {"pk": {"S": "A#1"}, "sk": {"S": "A"}}, "UpdateExpression": "REMOVE #t",
               "ExpressionAttributeNames": {"#t": "text"}}  # fmt: skip
    made.answer("TransactWriteItems", {"TransactItems": [{"Update": shorter}]})
    with pytest.raises(Refused):
        made.answer("PutItem", {"Item": item, "ConditionExpression": "attribute_not_exists (pk)"})

    assert billed == [
        ("table writes", 2), ("index writes", 1), ("reads", 1), ("stale reads", 0.5), ("table writes", 4),
        ("table writes", 1),
    ]  # fmt: skip


def test_updates_of_the_emulated_table() -> None:
    item = {"n": {"N": "1"}, "s": {"NS": ["1"]}, "gone": {"S": "x"}}
    text = "SET #a = :a, #m = if_not_exists(#m, :n) + :n REMOVE gone ADD #n :n, #s :s"
    names = {"#a": "a", "#m": "m", "#n": "n", "#s": "s"}
    after = expressions.updated(item, text, names, {":a": {"S": "b"}, ":n": {"N": "2"}, ":s": {"NS": ["1", "2"]}})
    assert after == {"a": {"S": "b"}, "m": {"N": "4"}, "n": {"N": "3"}, "s": {"NS": ["1", "2"]}}


def test_prices_are_added_up_a_million_recipients() -> None:
    used = [
        ("a.b", "table writes", 40.0),
        ("a.b", "traces", 10.0),
        ("c.d", "traces", 10.0),
        ("a.b", "cold starts", 1.0),
    ]
    lines = prices.per_million(used, 20, {"c.d": False})
    assert {line.name: (line.each, round(line.dollars, 6)) for line in lines} == {
        "DynamoDB writes": (2.0, 1.25), "X-Ray traces": (0.5, 2.5),
    }  # fmt: skip
