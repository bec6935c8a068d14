"""Recording events: single, in batches, whose they are, and what is refused."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity.model import Event, Timeline
from drumbeat.contacts import model as contacts
from drumbeat.replies import Reply

from tests.unit.activity.conftest import Shop
from tests.world import World


def test_a_single_event_is_recorded_and_shown(shop: Shop) -> None:
    ann = shop.contact()

    reply = shop.post(
        {
            "event_id": "e-1",
            "name": "Added To Cart",
            "contact": {"email": "ANN@example.com"},
            "occurred_at": "2026-11-01T10:00:00+06:00",
            "properties": {"sku": "ü", "price": 9.5, "nested": [{"a": None}]},
        }
    )

    assert reply.status == 202
    assert reply.data == {
        "results": [{"event_id": "e-1", "status": "recorded", "reason": None, "details": []}],
        "recorded": 1,
        "duplicates": 0,
        "rejected": 0,
        "waiting": 0,
    }
    (shown,) = shop.timeline(ann)["items"]
    assert shown["name"] == "added_to_cart"
    assert shown["occurred_at"] == "2026-11-01T04:00:00.000Z"
    assert shown["properties"] == {"sku": "ü", "price": 9.5, "nested": [{"a": None}]}
    assert shown["machine"] is False


@pytest.mark.parametrize(
    "whose",
    [
        {"contact": {"external_id": 123}},
        {"contact": {"external_id": "123"}},
        {"external_id": 123},
        {"email": "ann@example.com"},
        {"contact": {"email": "Ann@Example.COM"}},
    ],
)
def test_a_contact_is_named_in_any_way(shop: Shop, whose: dict[str, Any]) -> None:
    ann = shop.contact(external_id=123)

    assert shop.post({"name": "visit", **whose}).data["recorded"] == 1
    assert shop.names(ann) == ["visit"]


def test_a_single_event_is_recorded_once_whatever_its_repetitions(shop: Shop) -> None:
    ann = shop.contact()
    event = {"event_id": "e-1", "name": "visit", "contact_id": ann}

    statuses = [shop.post(event).data["results"][0]["status"] for _ in range(3)]

    assert statuses == ["recorded", "duplicate", "duplicate"]
    assert shop.names(ann) == ["visit"]
    assert sum(shop.activity(ann)["visit"].values()) == 1


def test_without_an_event_id_the_idempotency_key_makes_one(shop: Shop) -> None:
    ann = shop.contact()
    headers = {"Idempotency-Key": "k-1"}
    first = shop.send({"name": "visit", "contact_id": ann}, {"name": "visit", "contact_id": ann}, headers=headers)
    for row in table.rows(Timeline, Timeline.partition("ten_acme", ann)):
        assert row.event_id in {result["event_id"] for result in first}

    # The stored reply is gone (or was never written): the request is carried out again.
    Reply._get_connection().delete_item(f"REPLY#ten_acme#{hashlib.sha256(b'k-1').hexdigest()[:32]}", "REPLY")
    again = shop.send({"name": "visit", "contact_id": ann}, {"name": "visit", "contact_id": ann}, headers=headers)

    assert [result["status"] for result in first] == ["recorded", "recorded"]
    assert [result["status"] for result in again] == ["duplicate", "duplicate"]
    assert [result["event_id"] for result in again] == [result["event_id"] for result in first]
    assert shop.names(ann) == ["visit", "visit"]


def test_without_any_id_two_events_are_two(shop: Shop) -> None:
    ann = shop.contact()
    shop.post({"name": "visit", "contact_id": ann})
    shop.post({"name": "visit", "contact_id": ann})

    assert shop.names(ann) == ["visit", "visit"]


def test_a_bad_event_does_not_reject_the_others(shop: Shop) -> None:
    ann = shop.contact()
    results = shop.send(
        {"event_id": "good", "name": "visit", "contact_id": ann},
        {"event_id": "bad name", "name": "sp@m!", "contact_id": ann, "propertys": {}},
        {"event_id": "late", "name": "visit", "contact_id": ann, "occurred_at": "9999-01-01T00:00:00Z"},
        {"event_id": "nobody", "name": "visit", "email": "nobody@example.com"},
        {"event_id": "twice", "name": "visit", "contact_id": ann, "email": "ann@example.com"},
        {"event_id": "worth", "name": "purchase", "contact_id": ann, "properties": {"value": "a lot"}},
        {"event_id": "good", "name": "visit", "contact_id": ann},
        {"event_id": "good too", "name": "visit", "contact_id": ann},
        {"event_id": "also-good", "name": "visit", "contact_id": ann},
    )

    assert [(result["status"], result["reason"]) for result in results] == [
        ("recorded", None),
        ("rejected", "invalid"),
        ("rejected", "in_the_future"),
        ("rejected", "unknown_contact"),
        ("rejected", "invalid"),
        ("rejected", "invalid_value"),
        ("duplicate", None),
        ("rejected", "invalid"),
        ("recorded", None),
    ]
    assert [detail["field"] for detail in results[1]["details"]] == ["event_id", "name", "propertys"]
    assert results[5]["details"][0]["field"] == "properties.value"
    assert shop.names(ann) == ["visit", "visit"]


def test_a_malformed_envelope_names_every_bad_field(shop: Shop) -> None:
    reply = shop.post({"events": [{"name": "visit", "email": "a@b.de"}, 7, None], "extra": 1, "create_contacts": "x"})

    assert reply.status == 422
    assert reply.refused == ["events[1]", "events[2]", "create_contacts", "extra"]


@pytest.mark.parametrize("events", [[], "visit", None, {}, [{"name": "visit"}] * 501])
def test_events_are_a_list_of_1_to_500(shop: Shop, events: Any) -> None:
    reply = shop.post({"events": events})

    assert (reply.status, reply.refused) == (422, ["events"])


def test_a_single_malformed_event_names_every_bad_field(shop: Shop) -> None:
    reply = shop.post({"name": "", "contact": {"email": "nobody"}, "occurred_at": "soon", "properties": [], "x": 1})

    assert reply.status == 422
    assert set(reply.refused) == {"name", "contact.email", "occurred_at", "properties", "x"}


def test_a_single_event_of_nobody_is_404_and_one_in_the_future_422(shop: Shop) -> None:
    ann = shop.contact()
    tomorrow = clock.iso(clock.business() + timedelta(days=1, minutes=1))

    assert shop.post({"name": "visit", "email": "nobody@example.com"}).status == 404
    assert shop.post({"name": "visit", "contact_id": "con_1"}).status == 404
    late = shop.post({"name": "visit", "contact_id": ann, "occurred_at": tomorrow})
    assert (late.status, late.refused) == (422, ["occurred_at"])
    missing = shop.post({"name": "visit"})
    assert (missing.status, missing.refused) == (422, ["body"])


def test_another_tenants_contact_is_unknown_and_its_event_ids_are_its_own(shop: Shop) -> None:
    ann, bob = shop.contact(), shop.contact("bob@example.com", tenant="globex")

    assert shop.post({"name": "visit", "contact_id": bob}).status == 404
    assert shop.post({"event_id": "1", "name": "visit", "contact_id": ann}).data["recorded"] == 1
    theirs = shop.post({"event_id": "1", "name": "visit", "contact_id": bob}, tenant="globex")
    assert theirs.data["recorded"] == 1


def test_unknown_people_are_created_only_when_asked_for(shop: Shop) -> None:
    event = {"name": "visit", "email": "New@Example.com"}
    shop.send(event)
    assert contacts.find_by_email("ten_acme", "new@example.com") is None

    reply = shop.post(
        {"events": [event, event, {"name": "visit", "external_id": "no address"}], "create_contacts": True}
    )

    assert [result["status"] for result in reply.data["results"]] == ["recorded", "recorded", "rejected"]
    made = contacts.find_by_email("ten_acme", "new@example.com")
    assert made is not None
    assert made.consent == {}
    assert shop.names(made.contact_id) == ["visit", "visit"]
    single = shop.post({"name": "visit", "email": "second@example.com", "create_contacts": True})
    assert single.data["recorded"] == 1


def test_scopes(shop: Shop, world: World) -> None:
    writer = {"X-API-Key": world.key("acme", ("events:write",))}
    reader = {"X-API-Key": world.key("acme", ("events:read",))}
    ann = shop.contact()

    assert shop.post({"name": "visit", "contact_id": ann}, headers=writer).status == 202
    assert shop.post({"name": "visit", "contact_id": ann}, headers=reader).status == 403
    creating = {"name": "visit", "email": "new@example.com", "create_contacts": True}
    assert shop.post(creating, headers=writer).status == 403
    assert shop.post({"name": "visit", "contact_id": ann}, tenant=None).status == 401


def test_browsers_may_ask(shop: Shop) -> None:
    reply = shop.post({"name": "visit", "contact_id": shop.contact()})

    assert reply.headers["Access-Control-Allow-Origin"] == "*"


def test_properties_end_at_16_kb(shop: Shop) -> None:
    ann = shop.contact()

    assert shop.post({"name": "visit", "contact_id": ann, "properties": {"x": "ü" * 8000}}).status == 202
    large = shop.post({"name": "visit", "contact_id": ann, "properties": {"x": "ü" * 8300}})
    assert (large.status, large.refused) == (422, ["properties"])


def test_a_full_batch_takes_few_transactions(shop: Shop) -> None:
    ann, ben = shop.contact(), shop.contact("ben@example.com")
    sent: list[int] = []

    def look(params: dict[str, Any], **_: Any) -> None:
        sent.append(len(params["TransactItems"]))

    client = table.connection().connection.client
    client.meta.events.register("before-parameter-build.dynamodb.TransactWriteItems", look)
    events = [
        {"event_id": str(number), "name": "visit", "contact_id": (ann, ben)[number % 2], "properties": {"n": number}}
        for number in range(500)
    ]
    results = shop.send(*events)
    client.meta.events.unregister("before-parameter-build.dynamodb.TransactWriteItems", look)

    assert {result["status"] for result in results} == {"recorded"}
    assert [result["event_id"] for result in results] == [str(number) for number in range(500)]
    assert len(sent) <= 11
    assert max(sent) <= 100
    assert sum(shop.activity(ann)["visit"].values()) == 250


def test_timeline_rows_vanish_and_markers_stay(shop: Shop) -> None:
    ann = shop.contact()
    shop.post({"event_id": "1", "name": "visit", "contact_id": ann, "occurred_at": "2026-11-01T00:00:00Z"})

    (row,) = table.rows(Timeline, Timeline.partition("ten_acme", ann))
    assert int(row.ttl) == int(clock.parse("2027-12-02T00:00:00Z").timestamp())
    marker = Event.fetch(*Event.key("ten_acme", "1"))
    assert marker is not None
    assert "ttl" not in marker.serialize()
