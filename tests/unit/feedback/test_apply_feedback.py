"""What comes back from SES, pixels and links is applied as often as it comes, in any order, to the same effect."""

import itertools
import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectTimeoutError
from drumbeat import clock, table
from drumbeat.activity import rollups as days
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.feedback import known
from drumbeat.sends import rollups
from drumbeat.sends.model import Send, Stat

from tests.sends import SENT_AT, Sent, batch, sent
from tests.world import World


@pytest.fixture(autouse=True)
def _fresh() -> None:
    known.forget()
    rollups.forget()


@contextmanager
def requests() -> Iterator[list[tuple[str, str]]]:
    """(operation, body) of every request to the table meanwhile."""
    made: list[tuple[str, str]] = []

    def note(model: Any, params: Any, **_: Any) -> None:
        body = params["body"]
        made.append((model.name, body.decode() if isinstance(body, bytes) else body))

    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.*", note, unique_id="note")
    yield made
    events.unregister("before-call.dynamodb.*", unique_id="note")


def apply(world: World, *messages: Any) -> list[str]:
    """Hand the batch over twice; gives what the first time could not apply."""
    failed = [world.run("feedback.apply_feedback", batch(messages)) for _ in range(2)]
    assert failed[0] == failed[1]
    return [failure["itemIdentifier"] for failure in failed[0]["batchItemFailures"]]


def test_a_delivery_is_counted_told_and_added_up(world: World) -> None:
    send = sent()
    assert apply(world, send.event("Delivery", 1, smtpResponse="250 ok")) == []
    assert send.stats() == {"delivered": {1}}
    (row,) = send.rows(1)
    assert (row["name"]["S"], row["bus"]["N"]) == ("email.delivered", "1")
    assert json.loads(row["data"]["S"]) == {
        "campaign_id": send.campaign,
        "customer_id": send.people[0][1].contact_id,
        "email": "rina0-1@mail.example",
        "message_id": send.place().message(1),
    }
    queue = boto3.client("sqs").receive_message(QueueUrl=os.environ["QUEUE_ROLL_UP"])
    assert json.loads(queue["Messages"][0]["Body"]) == {"tenant": send.tenant, "send": send.send_id}


def test_a_customer_is_called_by_external_id(world: World) -> None:
    send = sent()
    contacts.Contact.change_at(
        *contacts.Contact.key(send.tenant, send.people[0][0].contact_id), contacts.Contact.external_id.set("123")
    )
    apply(world, send.event("Delivery"))
    assert json.loads(send.rows()[0]["data"]["S"])["customer_id"] == "123"


def test_events_of_a_chunk_are_one_write(world: World) -> None:
    send = sent(sizes=(50,))
    with requests() as made:
        world.run("feedback.apply_feedback", batch([send.event("Delivery", n) for n in range(50)]))
    assert len([body for operation, body in made if operation == "UpdateItem" and "STAT#" in body]) == 1
    assert send.stats()["delivered"] == set(range(50))


@pytest.mark.parametrize("seed", range(6))
def test_the_order_and_number_of_events_do_not_matter(world: World, seed: int) -> None:
    send = sent(sizes=(4, 3))
    messages = [
        *(send.event("Delivery", n) for n in range(4)),
        send.event("Delivery", 2, chunk=1),
        send.bounce("Permanent", 0, chunk=1),
        send.bounce("Transient", 1, chunk=1),
        send.event("Complaint", 3, complaintFeedbackType="abuse"),
        send.event("Reject", 1, chunk=1, reason="Bad content"),
        *(send.seen("open", n, after=900 + n) for n in (0, 1)),
        send.seen("open", 1, after=2000),
        send.seen("click", 0, after=1000, link=2),
        send.seen("click", 0, after=1100, link=1),
        send.seen("open", 2, user_agent="Mozilla/5.0"),
    ]
    chance = random.Random(seed)
    many = messages * 3
    chance.shuffle(many)
    while many:
        size = chance.randint(1, 9)
        part, many = many[:size], many[size:]
        assert world.run("feedback.apply_feedback", batch(part)) == {"batchItemFailures": []}
    assert send.stats(0) == {
        "delivered": {0, 1, 2, 3}, "complained": {3}, "opened": {0, 1}, "opened_machine": {2}, "clicked": {0},
        "l1": {0}, "l2": {0},
    }  # fmt: skip
    assert send.stats(1) == {"delivered": {2}, "bounced": {0}, "soft_bounced": {1}, "failed": {1}}
    told = [row["name"]["S"] for row in send.rows(0)]
    assert told == ["email.delivered", "email.opened", "email.clicked", "email.clicked"]
    assert len(send.rows(1)) == 3  # delivered, and opened twice


def test_a_hard_bounce_suppresses_the_address_for_everything(world: World) -> None:
    send = sent()
    apply(world, send.bounce("Permanent", 1))
    held = suppressions.find(send.tenant, "rina0-1@mail.example")
    assert held and (held.scope, held.reason, held.source) == ("all", "hard_bounce", send.send_id)
    data = json.loads(send.rows(1)[0]["data"]["S"])
    assert (data["bounce_type"], data["reason"]) == ("hard", "5.1.1 smtp; 550 5.1.1 user unknown")


@pytest.mark.parametrize("kind", ["Transient", "Undetermined"])
def test_a_soft_bounce_silences_nobody(world: World, kind: str) -> None:
    send = sent()
    apply(world, send.bounce(kind, 1))
    assert send.stats() == {"soft_bounced": {1}}
    assert suppressions.find(send.tenant, "rina0-1@mail.example") is None


def test_a_complaint_takes_consent_back_and_suppresses_marketing(world: World) -> None:
    send = sent()
    apply(world, send.event("Complaint", 2, complaintFeedbackType="abuse"))
    person = contacts.get(send.tenant, send.people[0][2].contact_id)
    held = suppressions.find(send.tenant, "rina0-2@mail.example")
    assert held and (held.scope, held.reason) == ("marketing", "complaint")
    assert person.consent["email"]["status"] == "revoked"
    assert consent.may_market(person, "email", None) == "revoked"


def test_a_complaint_that_comes_again_does_not_undo_a_later_agreement(world: World) -> None:
    send = sent()
    complaint = send.event("Complaint", 0, complaintFeedbackType="abuse")
    apply(world, complaint)
    who = contacts.get(send.tenant, send.people[0][0].contact_id)
    consent.grant(send.tenant, who, "email", source="form", method="form", at=clock.business())
    apply(world, complaint)
    assert contacts.get(send.tenant, who.contact_id).consent["email"]["status"] == "granted"


def test_not_spam_is_no_complaint(world: World) -> None:
    send = sent()
    apply(world, send.event("Complaint", 0, complaintFeedbackType="not-spam"))
    assert send.stats() == {} and suppressions.find(send.tenant, "rina0-0@mail.example") is None


def test_an_address_that_the_provider_suppresses_did_not_complain_of_this_message(world: World) -> None:
    send = sent()
    apply(world, send.event("Complaint", 0, complaintSubType="OnAccountSuppressionList"))
    assert send.stats() == {"failed": {0}}
    assert suppressions.find(send.tenant, "rina0-0@mail.example") is not None


@pytest.mark.parametrize(
    ("kind", "details", "expected", "rows"),
    [
        ("Reject", {"reason": "Bad content"}, {"failed": {0}}, ["email.rejected"]),
        ("Rendering Failure", {"errorMessage": "no f3"}, {"failed": {0}}, ["email.rejected"]),
        ("DeliveryDelay", {"delayType": "MailboxFull"}, {"deferred": {0}}, ["email.deferred"]),
        ("Send", {}, {"processed": {0}}, []),
        ("Subscription", {}, {}, []),
    ],
)
def test_other_reports(world: World, kind: str, details: Any, expected: Any, rows: list[str]) -> None:
    send = sent()
    assert apply(world, send.event(kind, **details)) == []
    assert send.stats() == expected
    assert [row["name"]["S"] for row in send.rows()] == rows
    assert all("bus" not in row for row in send.rows())


def test_opens_and_clicks_that_ses_tracked(world: World) -> None:
    send = sent()
    apply(world, send.event("Open", after=90, userAgent="Thunderbird", ipAddress="203.0.113.1"))
    apply(world, send.event("Click", after=99, userAgent="Firefox", ipAddress="::1", link="https://shop.example/a"))
    assert send.stats() == {"opened": {0}, "clicked": {0}}
    assert json.loads(send.rows()[1]["data"]["S"])["url"] == "https://shop.example/a"


def test_an_open_is_told_with_device_and_place_and_counted_for_segments(world: World) -> None:
    send = sent()
    apply(world, send.seen("open", 0, city="Dhaka"), send.seen("open", 0, after=700))
    first, _ = send.rows()
    data = json.loads(first["data"]["S"])
    assert (data["device_type"], data["ip_address"]) == ("mobile", "203.0.113.9")
    assert data["location"] == {"country": "BD", "city": "Dhaka"}
    counted = days.for_contact(send.tenant, send.people[0][0].contact_id, ["email.opened"])
    assert counted == {"email.opened": {SENT_AT.date(): 1}}


def test_a_machines_open_is_kept_apart_and_not_published(world: World) -> None:
    send = sent()
    apply(world, send.seen("open", user_agent=None), send.seen("open", 1, user_agent="Mozilla/5.0"))
    assert send.stats() == {"opened_machine": {0, 1}}
    (row,) = send.rows()
    assert row["machine"]["N"] == "1" and "bus" not in row
    assert days.for_contact(send.tenant, send.people[0][0].contact_id, ["email.opened"]) == {"email.opened": {}}


def test_a_click_within_seconds_of_the_delivery_is_a_machines(world: World) -> None:
    send = sent()
    apply(world, send.event("Delivery", 0, after=10), send.event("Delivery", 1, after=10))
    apply(world, send.seen("click", 0, after=14, link=1), send.seen("click", 1, after=15.5, link=1))
    assert send.stats() == {"delivered": {0, 1}, "clicked_machine": {0}, "clicked": {1}, "l1": {1}}


def test_a_scanner_may_click_before_the_delivery_is_reported(world: World) -> None:
    send = sent()
    apply(world, send.seen("click", after=11, link=1), send.event("Delivery", after=12))
    assert send.stats() == {"delivered": {0}, "clicked_machine": {0}}


def test_who_follows_all_links_at_once_is_a_machine(world: World) -> None:
    send = sent(links=[f"https://shop.example/{n}" for n in range(3)])
    apply(world, *(send.seen("click", 0, after=600 + n, link=n) for n in (1, 2, 3)))
    apply(world, *(send.seen("click", 1, after=600 + n * 60, link=n) for n in (1, 2, 3)))
    assert send.stats() == {"clicked_machine": {0}, "clicked": {1}, "l1": {1}, "l2": {1}, "l3": {1}}


def test_what_is_not_ours_is_left_alone(world: World) -> None:
    send = sent()
    foreign, test, nobody = (send.event("Delivery", n) for n in range(3))
    foreign["mail"]["tags"] = {"campaign": ["x"]}
    test["mail"]["tags"]["test"] = ["1"]
    nobody["mail"]["tags"]["send"] = ["snd_01ARZ3NDEKTSV4RRFFQ69G5FAV"]
    assert apply(world, foreign, test, nobody, send.event("Delivery", 2)) == []
    assert send.stats() == {"delivered": {2}}


@pytest.mark.parametrize("broken", [{}, {"eventType": "Delivery"}, {"type": "open"}, {"type": "click", "send": 3}])
def test_a_message_that_cannot_be_read_fails_alone(world: World, broken: Any) -> None:
    send = sent()
    assert apply(world, send.event("Delivery", 0), broken, send.event("Delivery", 2)) == ["1"]
    assert send.stats() == {"delivered": {0, 2}}


def test_a_message_that_cannot_be_stored_fails_alone(world: World) -> None:
    send = sent()
    poison = send.seen("open", 1, user_agent="lone \ud800 surrogate of Firefox")
    assert apply(world, send.event("Delivery", 0), poison, send.seen("open", 2)) == ["1"]
    assert send.stats() == {"delivered": {0}, "opened": {2}}


def test_while_the_storage_is_down_everything_comes_again(world: World) -> None:
    send = sent()
    apply(world, send.event("Delivery", 0))

    def refuse(**_: Any) -> Any:
        raise ConnectTimeoutError(endpoint_url="https://dynamodb")

    events = table.connection().connection.client.meta.events
    events.register("before-send.dynamodb.BatchWriteItem", refuse, unique_id="down")
    assert apply(world, send.event("Delivery", 1), send.bounce("Permanent", 2)) == ["0", "1"]
    assert send.stats() == {"delivered": {0}}
    assert suppressions.find(send.tenant, "rina0-2@mail.example")  # what protects people comes first
    events.unregister("before-send.dynamodb.BatchWriteItem", unique_id="down")
    assert apply(world, send.event("Delivery", 1), send.bounce("Permanent", 2)) == []
    assert send.stats() == {"delivered": {0, 1}, "bounced": {2}}


def test_a_deleted_contact_is_counted_but_gets_no_rows(world: World) -> None:
    send = sent()
    world.call("contacts.delete_contact", path={"contact_id": send.people[0][1].contact_id})
    apply(world, send.event("Delivery", 1), send.seen("open", 1))
    assert send.stats() == {"delivered": {1}, "opened": {1}}
    assert send.rows(1) == []


def test_a_send_that_is_not_to_be_published_stays_off_the_bus(world: World) -> None:
    send = sent(publish=False)
    apply(world, send.event("Delivery"))
    assert "bus" not in send.rows()[0]


def test_two_tenants_and_two_sends_do_not_mix(world: World) -> None:
    mine, other, theirs = sent(), sent(), sent(tenant="ten_globex")
    apply(world, mine.event("Delivery", 0), theirs.event("Delivery", 1), other.bounce("Permanent", 2))
    assert [one.stats() for one in (mine, other, theirs)] == [{"delivered": {0}}, {"bounced": {2}}, {"delivered": {1}}]
    assert suppressions.find("ten_globex", "rina0-2@mail.example") is None


def test_the_totals_follow(world: World) -> None:
    send = sent(sizes=(3, 2))
    apply(world, *(send.event("Delivery", n) for n in range(3)), send.seen("click", 1, chunk=1, link=2))
    row = Send.fetch(*Send.key(send.tenant, send.send_id))
    assert row is not None
    numbers = rollups.compute(send.tenant, row)
    assert (numbers["delivered"], numbers["clicked"], numbers["links"]) == (3, 1, {"2": 1})


def test_requests_for_ten_deliveries_of_a_chunk(world: World) -> None:
    """What it costs: see the module. A change of this number is a change of the price of a million mails."""
    send = sent(sizes=(50,))
    world.run("feedback.apply_feedback", batch([send.event("Delivery", 0)]))
    with requests() as made:
        world.run("feedback.apply_feedback", batch([send.event("Delivery", n) for n in range(1, 11)]))
    # The last one asks for a roll-up, which is held back for seconds when this is deployed.
    assert [operation for operation, _ in made] == [
        "BatchGetItem", "BatchGetItem", "BatchWriteItem", "UpdateItem", "UpdateItem"
    ]  # fmt: skip


def _all(send: Sent) -> frozenset[tuple[str, int]]:
    return frozenset(itertools.chain.from_iterable(((k, n) for n in v) for k, v in send.stats().items()))


def test_stat_attributes_are_the_entitys(world: World) -> None:
    """Names that facts use are attributes of the entity, so that nobody reads a set that none writes."""
    send = sent()
    apply(
        world, send.event("Delivery"), send.bounce("Permanent", 1), send.bounce("Transient", 2),
        send.event("Complaint", 1, complaintFeedbackType="abuse"), send.event("Reject", 2, reason="x"),
        send.seen("open"), send.seen("open", 1, user_agent=None), send.seen("click", link=1),
        send.seen("click", 1, user_agent="curl/8", link=1),
    )  # fmt: skip
    declared = {name for name in Stat.get_attributes() if name not in ("pk", "sk", "attempt")}
    assert {name for name, _ in _all(send)} - {"l1"} <= declared
