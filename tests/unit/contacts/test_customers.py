"""Customers whose profile another system keeps: read in batches, told by events, each once and never backwards."""

import itertools
import json
import os
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.contacts import ledger, preferences
from drumbeat.contacts import model as contacts
from drumbeat.contacts.customers import arriving, fetching
from drumbeat.contacts.customers.client import Failed
from drumbeat.contacts.customers.model import CUSTOMERS, Customer, State
from drumbeat.providers import secrets
from jsonschema import Draft202012Validator

from tests import schemas
from tests.customer_system import ACCOUNT, TOKEN, CustomerSystem, customer_system, profile
from tests.internet import answer
from tests.world import World, client

T = [clock.iso(clock.parse("2026-03-01T00:00:00Z") + timedelta(hours=hour)) for hour in range(10)]
numbers = itertools.count()


@pytest.fixture
def cx(world: World) -> Iterator[CustomerSystem]:
    """Both tenants are connected, each to its own host of one system."""
    secrets.forget()
    for tenant in ("acme", "globex"):
        body = {"base_url": f"https://cx.{tenant}.example", "token": TOKEN, "events_account": ACCOUNT}
        assert world.call("contacts.set_customer_system", tenant=tenant, body=body).status == 200
    with customer_system() as running:
        yield running


def tell(
    world: World, kind: str, at: str, *, tenant: str = "ten_acme", account: str = ACCOUNT, event_id: str | None = None,
    source: str | None = None, **data: Any,
) -> dict[str, Any]:  # fmt: skip
    """An event as EventBridge hands it over, taken and worked off."""
    event = {
        "version": "0", "id": event_id or f"e{next(numbers):06d}", "detail-type": f"customer.{kind}",
        "account": account, "source": source or f"customers.{tenant}", "time": at, "region": "us-east-1",
        "detail": {"event_type": f"customer.{kind}", "version": "1.0", "timestamp": at, "data": {"id": "c1", **data}},
    }  # fmt: skip
    hear(world, event)
    return event


def hear(world: World, *events: dict[str, Any]) -> None:
    for event in events:
        world.run("contacts.receive_customer_event", event)
    work_off(world)


def work_off(world: World) -> None:
    """Hand what is on the queue to its consumer: all that happens in the background of these tests."""
    asked = {"QueueUrl": os.environ[CUSTOMERS.variable], "MaxNumberOfMessages": 10}
    while messages := client("sqs").receive_message(**asked).get("Messages"):
        records = [{"messageId": one["MessageId"], "body": one["Body"], "attributes": {}} for one in messages]
        assert world.run("contacts.read_customers", {"Records": records}) == {"batchItemFailures": []}
        for one in messages:
            client("sqs").delete_message(QueueUrl=asked["QueueUrl"], ReceiptHandle=one["ReceiptHandle"])


def person(customer: str = "c1", tenant: str = "ten_acme") -> Any:
    found = contacts.find_by_external_id(tenant, customer)
    assert found is not None
    return found


def consent(channel: str = "email", **who: str) -> str | None:
    said = (person(**who).consent or {}).get(channel)
    return said and said["status"]


def row(customer: str = "c1", tenant: str = "ten_acme") -> Any:
    found = Customer.fetch(*Customer.key(tenant, customer))
    assert found is not None
    return found


def record(world: World, *customers: str, tenant: str = "acme") -> Any:
    events = [{"name": "signed_in", "external_id": one, "event_id": f"{one}-1"} for one in customers]
    return world.call("activity.record_events", tenant=tenant, body={"events": events}).data


# Reading profiles


def test_unknown_customers_are_read_in_one_request_and_what_waited_for_them_is_done(
    world: World, cx: CustomerSystem
) -> None:
    cx.put(*(profile(f"c{number}") for number in range(30)))
    told = record(world, *(f"c{number}" for number in range(30)), "nobody")
    assert (told["waiting"], told["recorded"], told["rejected"]) == (31, 0, 0)
    segment = world.call("segments.create_segment", body={"name": "List", "dynamic": False}).data
    path = {"segment_id": segment["id"]}
    added = world.call("segments.add_members", path=path, body={"external_ids": ["c1", "c2", "nobody"]}).data
    assert (added["added"], added["awaited"]) == (0, ["c1", "c2", "nobody"])

    work_off(world)

    assert len(cx.asked) == 1 and cx.asked[0].startswith("POST ")
    found = person()
    assert (found.email, found.first_name, found.attributes) == ("c1@people.example", "Ann", {"plan": "pro"})
    assert found.consent["email"]["source"] == "customer_experience" and consent("sms") == "revoked"
    assert preferences.view(found).frequency == "weekly"
    (entry,) = ledger.history("ten_acme", found.contact_id)
    assert (entry.actor, entry.cause) == ("customer_experience", "profile")
    timeline = world.call("activity.list_timeline", path={"contact_id": "c1"}).data["items"]
    assert [one["event_id"] for one in timeline] == ["c1-1"]
    assert world.call("segments.get_segment", path=path).data["member_count"] == 2
    assert row("nobody").state == State.ABSENT
    assert record(world, "nobody")["rejected"] == 1  # asked for a short while ago, and not there
    assert record(world, "c1")["duplicates"] == 1
    work_off(world)
    assert len(cx.asked) == 1


def test_an_unknown_customer_enters_a_journey_once_their_profile_is_read(world: World, cx: CustomerSystem) -> None:
    cx.put(profile("c1"))
    steps = [{"id": "pause", "type": "wait", "duration": "P1D"}]
    body = {"name": "Hello", "trigger": {"type": "api"}, "steps": steps, "activate": True}
    path = {"journey_id": world.call("journeys.create_journey", body=body).data["id"]}
    named, once = {"external_ids": ["c1", "nobody"]}, {"Idempotency-Key": "once"}
    for _ in range(2):
        reply = world.call("journeys.enrol_contacts", path=path, body=named, headers=once).data
        assert (reply["entered"], reply["awaited"]) == (0, ["c1", "nobody"])
    work_off(world)
    inside = world.call("journeys.list_entries", path=path).data["items"]
    assert [one["contact_id"] for one in inside] == [person().contact_id]


def test_one_customer_is_one_get_and_ids_are_quoted(world: World, cx: CustomerSystem) -> None:
    cx.put(profile("a/b?c d", email="odd@people.example"))
    event = {"name": "signed_in", "external_id": "a/b?c d"}
    assert world.call("activity.record_events", body=event).data["waiting"] == 1
    work_off(world)
    assert cx.asked == ["GET a/b?c d"] and person("a/b?c d").email == "odd@people.example"


def test_two_tenants_have_the_same_ids_and_their_own_customers(world: World, cx: CustomerSystem) -> None:
    cx.put(profile("c1", firstName="Acme's"))
    cx.put(profile("c1", firstName="Globex's"), host="cx.globex.example")
    for tenant in ("acme", "globex"):
        record(world, "c1", tenant=tenant)
    work_off(world)
    assert (person().first_name, person(tenant="ten_globex").first_name) == ("Acme's", "Globex's")
    tell(world, "consent.revoked", T[0], tenant="ten_globex")
    tell(world, "updated", T[1], tenant="ten_globex", firstName="New")
    assert (consent(), person().first_name) == ("granted", "Acme's")
    assert person(tenant="ten_globex").first_name == "New"
    assert consent(tenant="ten_globex") == "revoked"


@pytest.mark.parametrize("status", [429, 401])
def test_a_system_that_does_not_answer_is_asked_again_later_and_nothing_is_lost(
    world: World, cx: CustomerSystem, status: int
) -> None:
    cx.put(profile("c1"), profile("c2"))
    cx.instead = [answer(status, b"{}", retry_after="120")] * 2
    record(world, "c1", "c2")
    work_off(world)
    assert len(cx.asked) == 1 and (row().state, int(row().tries)) == (State.WANTED, 1)
    assert row().gsi2sk >= clock.iso(clock.wall() + timedelta(seconds=100))
    assert world.run("contacts.sweep_imports")["result"]["customers"] == 0  # not yet
    record(world, "c1", "c2")  # named again: that is no reason to ask sooner
    work_off(world)
    assert len(cx.asked) == 1
    for tries in (2, 3):
        for customer in ("c1", "c2"):
            row(customer).change(Customer.gsi2sk.set(clock.iso(clock.wall())))
        assert world.run("contacts.sweep_imports")["result"]["customers"] == 2
        work_off(world)
        assert len(cx.asked) == tries
    assert row().state == State.KNOWN and row().gsi2pk is None and row().reason is None
    assert len(world.call("activity.list_timeline", path={"contact_id": "c2"}).data["items"]) == 1


def test_pauses_grow_to_six_hours_and_heed_what_the_system_wants() -> None:
    failed = Failed("it answered 500")
    assert fetching.pause(1, failed) <= timedelta(minutes=6.25) < fetching.pause(3, failed)
    assert fetching.pause(30, failed) <= timedelta(hours=7.5)
    assert fetching.pause(1, Failed("", wait=timedelta(hours=9))) == timedelta(hours=9)
    assert fetching.pause(1, Failed("", credentials=True)) >= timedelta(hours=4.5)


def test_after_three_days_it_is_given_up_visibly(world: World, cx: CustomerSystem) -> None:
    record(world, "c1")
    row().change(Customer.tries.set(fetching.MOST_TRIES - 1))
    cx.instead = [answer(500)]
    world.run("contacts.read_customers", _message({"tenant": "ten_acme", "customers": ["c1"], "refresh": True}))
    assert (str(row().state), row().gsi2pk, row().reason) == ("given_up", None, "it answered 500")


def _message(body: dict[str, Any]) -> dict[str, Any]:
    return {"Records": [{"messageId": "m1", "body": json.dumps(body)}]}


@pytest.mark.parametrize(
    "body",
    [b"{", b'{"customers": {}}', b'{"customers": [{"id": "another"}, 7, {"email": "x"}]}', b"x" * 2_000_000],
)
def test_an_answer_that_is_none_makes_nobody(world: World, cx: CustomerSystem, body: bytes) -> None:
    cx.instead = [answer(200, body)]
    record(world, "c1", "c2")
    work_off(world)
    assert contacts.find_by_external_id("ten_acme", "c1") is None
    assert contacts.find_by_external_id("ten_acme", "another") is None


def test_fields_that_cannot_be_read_are_left_out_and_the_others_count(world: World, cx: CustomerSystem) -> None:
    odd = {"emailOptIn": "yes", "smsOptIn": True, "frequency": "hourly", "categories": "all"}
    cx.put(profile("c1", email="no address", phone=["x"], lastName=None, attributes="none", preferences=odd))
    record(world, "c1")
    work_off(world)
    found = person()
    assert (found.email, found.phone, found.first_name, found.last_name) == (None, None, "Ann", None)
    assert (consent("email"), consent("sms"), found.preferences) == (None, "granted", None)


def test_an_address_that_somebody_has_stays_theirs_and_the_same_person_is_one_contact(
    world: World, cx: CustomerSystem
) -> None:
    known = world.call("contacts.create_contact", body={"email": "same@people.example", "first_name": "Before"}).data
    other = {"email": "taken@people.example", "external_id": "other"}
    world.call("contacts.create_contact", body=other)
    cx.put(profile("c1", email="Same@people.example"), profile("c2", email="taken@people.example"))
    record(world, "c1", "c2")
    work_off(world)
    assert (person().contact_id, person().first_name) == (known["id"], "Ann")
    assert person("c2").email is None and person("other").email == "taken@people.example"


def test_nobody_is_asked_without_a_connection_and_none_is_left_after_it_ends(world: World, cx: CustomerSystem) -> None:
    record(world, "c1")
    assert world.call("contacts.delete_customer_system").status == 204
    work_off(world)
    assert cx.asked == [] and (row().state, row().gsi2pk) == (State.GIVEN_UP, None)
    assert record(world, "c2")["rejected"] == 1
    assert world.call("contacts.delete_customer_system").status == 404
    shown = world.call("accounts.get_settings").data
    assert shown["customer_system"] is None and TOKEN not in json.dumps(shown)


# Events


def test_what_we_take_has_a_schema_each() -> None:
    accepted = {file.stem: json.loads(file.read_text()) for file in (schemas.FOLDER.parent / "accepted").glob("*.json")}
    assert set(accepted) == set(arriving.TYPES)
    for name, schema in accepted.items():
        Draft202012Validator.check_schema(schema)
        data = profile("c1") if name in (arriving.CREATED, arriving.UPDATED) else {"id": 7, "channels": ["sms"]}
        Draft202012Validator(schema).validate({"event_type": name, "timestamp": T[0], "data": data})


def test_a_created_customer_is_a_contact_once_whatever_is_told_twice(world: World, cx: CustomerSystem) -> None:
    event = tell(world, "created", T[1], **profile("c1"))
    hear(world, event, event)
    tell(world, "created", T[1], **profile("c1"))
    found = person()
    assert (found.email, consent()) == ("c1@people.example", "granted") and cx.asked == []
    assert len(ledger.history("ten_acme", found.contact_id)) == 1
    assert world.call("contacts.list_contacts").data["total_count"] == 1


def test_an_older_update_never_overwrites_a_newer_one_field_by_field(world: World, cx: CustomerSystem) -> None:
    steps = [
        ("created", T[0], profile("c1", firstName="First", phone="+8801712345678")),
        ("updated", T[2], {"firstName": "Third"}),
        ("updated", T[1], {"firstName": "Second", "lastName": "Late"}),
        ("preferences.changed", T[4], {"preferences": {"frequency": "monthly"}}),
        ("preferences.changed", T[3], {"preferences": {"frequency": "daily"}}),
    ]
    ends = set()
    for order in (steps[1:], steps[:0:-1], [steps[2], steps[4], steps[1], steps[3]]):
        tell(world, steps[0][0], steps[0][1], **steps[0][2])
        for kind, at, data in order:
            tell(world, kind, at, **data)
        found = person()
        ends.add((found.first_name, found.last_name, found.phone, str(found.preferences)))
        world.call("contacts.delete_contact", path={"contact_id": found.contact_id})
        row().delete()
    assert ends == {
        ("Third", "Late", "+8801712345678", str({"frequency": "monthly", "at": T[4]}))
    }  # fmt: skip


def test_thin_events_are_read_together(world: World, cx: CustomerSystem) -> None:
    cx.put(*(profile(f"c{number}") for number in range(5)))
    for number in range(5):
        event = tell(world, "updated", T[1], id=f"c{number}") if number == 0 else None
        assert event is None or cx.asked == ["GET c0"]
    cx.net.asked.clear()
    cx.put(*(profile(f"c{number}", firstName="New", updatedAt=T[2]) for number in range(5)))
    bodies = [
        {"tenant": "ten_acme", "event": {"type": "customer.updated", "customer": f"c{number}", "place": f"{T[2]}#x",
                                         "data": {"id": f"c{number}"}}}
        for number in range(5)
    ]  # fmt: skip
    records = [{"messageId": str(place), "body": json.dumps(body)} for place, body in enumerate(bodies)]
    assert world.run("contacts.read_customers", {"Records": records})["batchItemFailures"] == []
    assert cx.asked == ["POST c0,c1,c2,c3,c4"] and person("c4").first_name == "New"


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (2, 0, 1)])
def test_a_withdrawal_is_never_undone_by_an_older_consent(
    world: World, cx: CustomerSystem, order: tuple[int, ...]
) -> None:
    tell(world, "created", T[0], **profile("c1", phone="+8801712345678"))
    steps = [("consent.granted", T[1]), ("consent.revoked", T[2]), ("consent.granted", T[1])]
    for place in order:
        tell(world, *steps[place], channel="email")
    assert consent() == "revoked"
    tell(world, "updated", T[1], **profile("c1", updatedAt=T[1]))  # a profile of before the withdrawal
    assert consent() == "revoked"
    tell(world, "consent.granted", T[3], channels=["email", "sms"])
    assert (consent("email"), consent("sms")) == ("granted", "granted")
    tell(world, "consent.revoked", T[2], channel="email")
    assert consent() == "granted"


def test_a_withdrawal_without_a_channel_is_about_all_and_one_of_an_unknown_channel_too(
    world: World, cx: CustomerSystem
) -> None:
    everything = {"emailOptIn": True, "smsOptIn": True, "pushOptIn": True}
    for kind in ({}, {"channel": "pigeon"}, {"channels": ["email", "pigeon"]}):
        tell(world, "created", T[0], **profile("c1", preferences=everything))
        tell(world, "consent.revoked", T[1], **kind)
        assert {consent(channel) for channel in ("email", "sms", "push")} == {"revoked"}
        world.call("contacts.delete_contact", path={"contact_id": person().contact_id})
        row().delete()


def test_a_withdrawal_that_comes_before_the_customer_holds_when_they_come(world: World, cx: CustomerSystem) -> None:
    tell(world, "consent.revoked", T[2], channel="email")
    assert cx.asked == [] and contacts.find_by_external_id("ten_acme", "c1") is None
    tell(world, "created", T[1], **profile("c1", updatedAt=T[1]))
    assert consent() == "revoked"


def test_a_no_that_was_said_here_outlives_profiles_but_not_a_later_yes(world: World, cx: CustomerSystem) -> None:
    tell(world, "created", T[0], **profile("c1"))
    said = {"channel": "email", "status": "revoked", "at": T[2], "source": "preference_page"}
    world.call("contacts.record_consent", path={"contact_id": person().contact_id}, body=said)
    tell(world, "updated", T[4], **profile("c1", firstName="New"))  # which still says emailOptIn
    assert (consent(), person().first_name) == ("revoked", "New")
    tell(world, "consent.granted", T[1], channel="email")
    assert consent() == "revoked"
    tell(world, "consent.granted", T[5], channel="email")
    assert consent() == "granted"


def test_a_yes_that_was_said_here_outlives_older_withdrawals_but_not_what_clocks_may_differ(
    world: World, cx: CustomerSystem
) -> None:
    tell(world, "created", T[0], **profile("c1"))
    said = {"channel": "email", "status": "granted", "at": T[6], "source": "preference_page"}
    world.call("contacts.record_consent", path={"contact_id": person().contact_id}, body=said)
    tell(world, "consent.revoked", T[5])
    assert consent() == "granted"
    tell(world, "consent.revoked", clock.iso(clock.parse(T[6]) - timedelta(minutes=2)))
    assert consent() == "revoked"


def test_a_profile_that_says_no_takes_consent_back_and_counts_as_an_opt_out(world: World, cx: CustomerSystem) -> None:
    tell(world, "created", T[0], **profile("c1"))
    wishes = {"emailOptIn": False, "categories": []}
    tell(world, "preferences.changed", T[1], preferences=wishes)
    assert consent() == "revoked"
    opted_out = world.call("contacts.list_unsubscribes").data["items"]
    assert [(one["method"], one["contact_id"]) for one in opted_out] == [("profile", person().contact_id)]


def test_a_consent_without_a_channel_is_for_those_that_the_profile_wants(world: World, cx: CustomerSystem) -> None:
    tell(world, "created", T[0], **profile("c1", preferences={"emailOptIn": True, "smsOptIn": True}))
    tell(world, "consent.revoked", T[1])
    cx.put(profile("c1", updatedAt=T[2]))  # wants e-mail, and no SMS
    cx.instead = [answer(500)]
    tell(world, "consent.granted", T[2])
    assert consent() == "revoked"
    row().change(Customer.gsi2sk.set(clock.iso(clock.wall())))
    world.run("contacts.sweep_imports")
    work_off(world)
    assert (consent("email"), consent("sms")) == ("granted", "revoked")


def test_categories_and_frequency_are_the_customers_wishes_unless_they_said_more_here(
    world: World, cx: CustomerSystem
) -> None:
    categories = [{"id": one, "name": one.title()} for one in ("news", "offers")]
    world.call("accounts.update_settings", body={"categories": categories})
    tell(world, "created", T[0], **profile("c1", preferences={"frequency": "daily", "categories": ["news"]}))
    assert preferences.refuses(person(), "offers") and not preferences.refuses(person(), "news")
    chosen = {"preferences": {"frequency": "monthly", "refused_categories": []}}
    world.call("contacts.update_contact", path={"contact_id": person().contact_id}, body=chosen)
    tell(world, "preferences.changed", T[3], preferences={"frequency": "any", "categories": []})  # older than that
    assert preferences.view(person()).frequency == "monthly" and not preferences.refuses(person(), "offers")


@pytest.mark.parametrize(
    "forged",
    [
        {"account": "999999999999"}, {"source": "customers.ten_nobody"}, {"source": "customers."},
        {"source": "customers.ten_acme#x"}, {"id": ["c1"]}, {"id": "x" * 300},
    ],
)  # fmt: skip
def test_an_event_of_somebody_else_changes_nothing(world: World, cx: CustomerSystem, forged: dict[str, Any]) -> None:
    tell(world, "created", T[0], **profile("c1"))
    tell(world, "consent.revoked", T[1], **forged)
    assert consent() == "granted"


def test_an_event_that_names_another_tenant_than_its_source_is_not_taken(world: World, cx: CustomerSystem) -> None:
    event = tell(world, "created", T[0], **profile("c1"))
    event["detail"]["data"]["firstName"] = "Forged"
    event["detail"]["timestamp"] = T[1]
    event["detail"]["metadata"] = {"tenant_id": "ten_globex"}
    hear(world, event)
    assert person().first_name == "Ann"
    event["detail"]["metadata"] = {"tenant_id": "ten_acme", "event_id": "own"}
    hear(world, event)
    assert person().first_name == "Forged"


def test_an_event_of_the_future_does_not_close_the_door_for_later_ones(world: World, cx: CustomerSystem) -> None:
    tell(world, "created", "2999-01-01T00:00:00Z", **profile("c1"))
    soon = clock.iso(clock.business() + timedelta(seconds=1))
    tell(world, "updated", soon, firstName="Later")
    assert person().first_name == "Later"


def test_a_number_stays_a_number_and_numbers_are_dialled_in_the_tenants_country(
    world: World, cx: CustomerSystem
) -> None:
    world.call("accounts.update_settings", body={"country": "BD"})
    tell(world, "created", T[0], **{**profile("c1"), "id": 123, "phone": "01712-345678"})
    shown = world.call("contacts.get_contact", path={"contact_id": person("123").contact_id}).data
    assert (shown["external_id"], shown["phone"]) == (123, "+8801712345678")


def test_attributes_are_merged_and_null_removes(world: World, cx: CustomerSystem) -> None:
    tell(world, "created", T[0], **profile("c1", attributes={"plan": "pro", "seats": 3}))
    tell(world, "updated", T[1], attributes={"plan": None, "city": "Dhaka"})
    assert person().attributes == {"seats": 3, "city": "Dhaka"}


def test_an_event_of_more_than_a_message_holds_is_read_as_a_profile(world: World, cx: CustomerSystem) -> None:
    cx.put(profile("c1", firstName="Read"))
    tell(world, "created", T[0], **profile("c1", firstName="Told", attributes={"x": "y" * 200_000}))
    assert person().first_name == "Read" and cx.asked == ["GET c1"]
