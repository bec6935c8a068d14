"""The facts from purchases: exact, whatever comes twice, out of order, or beside something else."""

import random
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact

from tests.unit.activity.conftest import Purchase, Shop


def test_a_purchase_changes_the_contacts_facts(shop: Shop, purchase: Purchase) -> None:
    ann = shop.contact()

    shop.send(purchase(ann, 5, 99.99), purchase(ann, 2, "0.01"), purchase(ann, 9, 100))

    assert shop.facts(ann) == {
        "value": 20000, "orders": 3, "currency": "USD", "first": "2026-03-03", "last": "2026-03-10"
    }  # fmt: skip
    assert shop.activity(ann, start_date="2026-03-01", end_date="2026-03-31")["purchase"] == {
        "2026-03-03": 1, "2026-03-06": 1, "2026-03-10": 1
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_batches_that_come_again_in_any_order_and_mixture_count_once(shop: Shop, purchase: Purchase, seed: int) -> None:
    chance = random.Random(seed)
    people = [shop.contact(f"p{number}@example.com") for number in range(3)]
    worth = {number: chance.randrange(0, 100_000) for number in range(45)}
    events = [purchase(people[number % 3], number, worth[number] / 100) for number in worth]
    visits = [
        {"event_id": f"v-{number}", "name": "visit", "contact_id": people[number % 3], "occurred_at": "2026-03-01"}
        for number in range(30)
    ]
    everything = events + visits
    recorded: list[str] = []
    for _ in range(6):
        part = chance.sample(everything, chance.randrange(1, len(everything)))
        part += chance.sample(part, len(part) // 3)
        chance.shuffle(part)
        recorded += [result["event_id"] for result in shop.send(*part) if result["status"] == "recorded"]
    for _ in range(2):
        again = list(everything)
        chance.shuffle(again)
        recorded += [result["event_id"] for result in shop.send(*again) if result["status"] == "recorded"]

    assert sorted(recorded) == sorted(event["event_id"] for event in everything)
    for place, person in enumerate(people):
        mine = [number for number in worth if number % 3 == place]
        facts = shop.facts(person)
        assert facts["value"] == sum(worth[number] for number in mine)
        assert facts["orders"] == len(mine)
        days = [f"2026-03-{number % 28 + 1:02d}" for number in mine]
        assert (facts["first"], facts["last"]) == (min(days), max(days))
        counts = shop.activity(person, start_date="2026-03-01", end_date="2026-03-31")
        assert sum(counts["purchase"].values()) == len(mine)
        assert counts["visit"] == {"2026-03-01": 10}
        assert shop.timeline(person)["total_count"] == len(mine) + 10


def test_an_order_counts_once_whichever_events_tell_of_it(shop: Shop, purchase: Purchase) -> None:
    ann = shop.contact()
    told = [{**purchase(ann, 1, 25), "event_id": f"told-{number}"} for number in range(30)]

    first, second = shop.send(*told), shop.send({**told[0], "event_id": "told again"[:4]})

    assert [result["reason"] for result in first] == [None] + ["order_already_counted"] * 29
    assert {result["status"] for result in first} == {"recorded"}
    assert second[0]["reason"] == "order_already_counted"
    assert (shop.facts(ann)["value"], shop.facts(ann)["orders"]) == (2500, 1)
    assert shop.timeline(ann)["total_count"] == 31


def test_orders_without_an_id_count_by_their_events(shop: Shop) -> None:
    ann = shop.contact()
    event = {"event_id": "1", "name": "Purchase", "contact_id": ann, "properties": {"total": 3}}

    shop.send(event, {**event, "event_id": "2"}, event)

    assert (shop.facts(ann)["value"], shop.facts(ann)["orders"]) == (600, 2)


def test_another_currency_is_kept_but_not_counted(shop: Shop, purchase: Purchase) -> None:
    ann = shop.contact()

    results = shop.send(purchase(ann, 1, 10, currency="EUR"), purchase(ann, 2, 10, currency="usd"))

    assert [(result["status"], result["reason"]) for result in results] == [
        ("recorded", "currency_differs"),
        ("recorded", None),
    ]
    assert (shop.facts(ann)["value"], shop.facts(ann)["orders"]) == (1000, 1)
    assert shop.names(ann) == ["purchase", "purchase"]


def test_a_tenant_that_changes_its_currency_does_not_mix_them(shop: Shop, purchase: Purchase) -> None:
    ann, ben = shop.contact(), shop.contact("ben@example.com")
    shop.send(purchase(ann, 1, 10))
    shop.settings(currency="JPY")

    results = shop.send(purchase(ann, 2, 500), purchase(ben, 3, 500))

    assert [result["reason"] for result in results] == ["currency_differs", None]
    assert shop.facts(ann)["value"] == 1000
    assert (shop.facts(ben)["value"], shop.facts(ben)["currency"]) == (500, "JPY")


def test_a_purchase_that_does_not_say_its_worth_is_an_order(shop: Shop, purchase: Purchase) -> None:
    ann = shop.contact()
    event = purchase(ann, 1)
    del event["properties"]["value"]

    assert shop.send(event)[0]["reason"] == "value_missing"
    assert (shop.facts(ann)["value"], shop.facts(ann)["orders"]) == (0, 1)


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"value": -1}, "properties.value"),
        ({"value": True}, "properties.value"),
        ({"amount": "1e5"}, "properties.amount"),
        ({"total": [1]}, "properties.total"),
        ({"value": 10**16}, "properties.value"),
        ({"value": 1, "currency": "dollars"}, "properties.currency"),
        ({"value": 1, "order_id": ""}, "properties.order_id"),
        ({"value": 1, "order_id": {"id": 1}}, "properties.order_id"),
    ],
)
def test_what_is_no_purchase_is_refused_with_its_field(shop: Shop, properties: dict[str, Any], field: str) -> None:
    reply = shop.post({"name": "purchase", "contact_id": shop.contact(), "properties": properties})

    assert (reply.status, reply.refused) == (422, [field])


def test_facts_that_others_change_meanwhile_stay_exact(shop: Shop, purchase: Purchase) -> None:
    """Between the read of a contact and the transaction another request writes a later purchase, and an earlier one."""
    ann = shop.contact()
    pk, sk = Contact.key("ten_acme", ann)
    intruders = [clock.parse("2026-03-25T00:00:00Z"), clock.parse("2026-03-02T00:00:00Z")]

    def intrude(**_: Any) -> None:
        if intruders:
            at = intruders.pop()
            actions = [Contact.total_orders.add(1), Contact.first_purchase_at.set(at), Contact.last_purchase_at.set(at)]
            Contact.change_at(pk, sk, *actions)

    client = table.connection().connection.client
    client.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", intrude)
    results = shop.send(purchase(ann, 9, 1), purchase(ann, 14, 1))
    client.meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", intrude)

    assert [result["status"] for result in results] == ["recorded", "recorded"]
    facts = shop.facts(ann)
    assert (facts["orders"], facts["value"]) == (4, 200)
    assert (facts["first"], facts["last"]) == ("2026-03-10", "2026-03-25")


def test_a_contact_that_vanishes_meanwhile_rejects_only_its_own(shop: Shop, purchase: Purchase) -> None:
    ann, ben = shop.contact(), shop.contact("ben@example.com")

    def vanish(**_: Any) -> None:
        if contacts.find("ten_acme", ann):
            Contact._get_connection().delete_item(*Contact.key("ten_acme", ann))

    client = table.connection().connection.client
    client.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", vanish)
    results = shop.send(purchase(ann, 1), purchase(ben, 2))
    client.meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", vanish)

    assert [(result["status"], result["reason"]) for result in results] == [
        ("rejected", "unknown_contact"),
        ("recorded", None),
    ]
    assert shop.facts(ben)["orders"] == 1
