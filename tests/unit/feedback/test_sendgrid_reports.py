"""What SendGrid's event webhook reports: only what an account's key has signed, applied once, in any order."""

import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity.model import Timeline, message_row
from drumbeat.contacts import claims, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.logs import metrics

from tests import rewind, sendgrid
from tests.harness import Reply, http_event
from tests.sendgrid import VECTOR, signed
from tests.sends import SENT_AT, Sent, sent
from tests.unit.providers.conftest import account
from tests.world import World

CALLBACK = "/webhooks/sendgrid/"


@pytest.fixture
def here(world: World) -> Iterator[World]:
    """acme's account at SendGrid is the deployment's default; globex has one, too."""
    world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": account(world)})
    account(world, "globex", config={"verification_key": sendgrid.verification_key("globex")})
    yield world


def post(world: World, body: Any, headers: dict[str, str] | None = None, callback: str = "") -> Reply:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = signed(raw) if headers is None else headers
    if callback:
        path = {"callback_id": callback}
        return world.call("feedback.receive_sendgrid_reports", tenant=None, path=path, body=raw, headers=told)
    return world.call("feedback.receive_sendgrid_webhook", tenant=None, body=raw, headers=told)


def callback_of(world: World, tenant: str) -> str:
    (one,) = world.call("providers.list_accounts", tenant=tenant).data["items"]
    return str(one["callback_url"]).rpartition("/")[2]


def report(send: Sent, event: str, number: int = 0, after: float = 60, **more: Any) -> dict[str, Any]:
    """What SendGrid says of a message of ours (twilio.com/docs/sendgrid/for-developers/tracking-events/event)."""
    person = send.people[0][number]
    at = int((SENT_AT + timedelta(seconds=after)).timestamp())
    return {
        "email": person.email, "timestamp": at, "event": event, "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        "sg_event_id": f"{event}{number}", "sg_message_id": "14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0",
        "category": ["marketing"], "send": send.send_id, "chunk": "0-0", "attempt": "1", "i": str(number),
        "contact": person.contact_id.removeprefix("con_"), **more,
    }  # fmt: skip


def stored(world: World) -> rewind.Rows:
    return {key: row for key, row in rewind.rows().items() if key[0].split("#")[0] not in ("RATE", "APIKEY")}


def test_every_event_finds_its_set(here: World) -> None:
    send = sent(sizes=(9,))
    events = [
        report(send, "processed", 0), report(send, "delivered", 1, response="250 OK"),
        report(send, "deferred", 2, response="400 try again later", attempt="5"),
        report(send, "bounce", 3, type="bounce", status="5.1.1", reason="550 no such user"),
        report(send, "bounce", 4, type="blocked", status="4.2.2", reason="mailbox full"),
        report(send, "spamreport", 5), report(send, "dropped", 6, reason="Spam Content"),
        report(send, "open", 7, useragent="Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)", ip="203.0.113.9"),
        report(send, "click", 8, after=900, url="https://shop.example/new", useragent="Mozilla/5.0 (X11) Firefox/128"),
    ]  # fmt: skip
    assert post(here, events).data == {"taken": 9}
    here.settle()

    assert send.stats() == {
        "processed": {0}, "delivered": {1}, "deferred": {2}, "bounced": {3}, "soft_bounced": {4}, "complained": {5},
        "failed": {6}, "opened": {7}, "clicked": {8},
    }  # fmt: skip
    click = send.rows(8)[-1]
    assert click["name"]["S"] == "email.clicked" and click["data"]["S"].count("https://shop.example/new")


def test_the_documented_events_find_the_message_of_the_campaign(here: World) -> None:
    """integration-guide.md: event, email, timestamp and campaign_id, and nothing else."""
    send, other = sent(sizes=(5,)), sent()
    people = send.people[0]
    table.put_many([claim for person in people for claim in claims.claims(person)])
    table.put_many([_told(send, number) for number in range(5)])
    names = ["delivered", "opened", "clicked", "bounced", "spam_report"]
    at = int((SENT_AT + timedelta(hours=1)).timestamp())
    events = [
        {"event": name, "email": person.email, "timestamp": at, "campaign_id": send.campaign}
        for name, person in zip(names, people, strict=True)
    ]
    strangers = [
        {"event": "delivered", "email": "nobody@town.example", "timestamp": at, "campaign_id": send.campaign},
        {"event": "delivered", "email": people[0].email, "timestamp": at, "campaign_id": other.campaign},
        {"event": "delivered", "email": "no address", "timestamp": at, "campaign_id": send.campaign},
    ]
    assert post(here, [*events, *strangers]).data == {"taken": 8}
    here.settle()

    # Machines, as no user agent is told: such an open is no person's.
    assert send.stats() == {
        "delivered": {0}, "opened_machine": {1}, "clicked_machine": {2}, "bounced": {3}, "complained": {4}
    }  # fmt: skip
    assert other.stats() == {}


def _told(send: Sent, number: int) -> Timeline:
    """The row that says that a message was sent."""
    person, place = send.people[0][number], send.place()
    message = place.message(number)
    return message_row(send.tenant, person.contact_id, "sent", SENT_AT, send.send_id, send.campaign, message, {}, False)


def test_doubled_and_shuffled_reports_change_nothing(here: World) -> None:
    send = sent(sizes=(4,))
    events = [
        report(send, name, number, after=900 + number, **more)
        for number in range(4)
        for name, more in (
            ("processed", {}), ("delivered", {}), ("open", {"useragent": "Thunderbird"}),
            ("click", {"url": "https://shop.example/new", "useragent": "Firefox/128", "timestamp": 1_780_000_000}),
            ("unsubscribe", {}),
        )
    ]  # fmt: skip
    post(here, events)
    here.settle()
    once = stored(here)

    shuffled = random.Random(7)
    for _ in range(3):
        shuffled.shuffle(events)
        post(here, events[:11])
        post(here, [*events, *events])
        here.settle()
    again = stored(here)
    assert {key: row for key, row in again.items() if once.get(key) != row and key[0][:4] not in ("ROLL", "SEND")} == {}


# Event, what it says besides; the set, the suppression's reason, and the consent then.
INCIDENTS: list[tuple[str, dict[str, Any], tuple[str, str | None, str]]] = [
    ("bounce", {"type": "bounce", "status": "5.1.1"}, ("bounced", "hard_bounce", "granted")),
    ("bounce", {"type": "bounce", "status": "5.7.1", "bounce_classification": "Content"},
     ("soft_bounced", None, "granted")),
    ("bounce", {"type": "bounce", "status": "4.4.7"}, ("soft_bounced", "soft_bounces", "granted")),
    ("blocked", {"reason": "blocked"}, ("soft_bounced", None, "granted")),
    ("spamreport", {}, ("complained", "complaint", "revoked")),
    ("unsubscribe", {}, ("unsubscribed", "unsubscribed", "revoked")),
    ("group_unsubscribe", {"asm_group_id": 12}, ("unsubscribed", "unsubscribed", "revoked")),
    ("dropped", {"reason": "Bounced Address"}, ("failed", "hard_bounce", "granted")),
    ("dropped", {"reason": "Unsubscribed Address"}, ("failed", "unsubscribed", "revoked")),
    ("dropped", {"reason": "Spam Reporting Address"}, ("failed", "complaint", "revoked")),
    ("dropped", {"reason": "Invalid SMTPAPI header"}, ("failed", None, "granted")),
]  # fmt: skip


def test_what_incidents_do(here: World) -> None:
    send = sent(sizes=(len(INCIDENTS),))
    post(here, [report(send, event, number, **more) for number, (event, more, _) in enumerate(INCIDENTS)])
    here.settle()
    sets = send.stats()
    for number, (event, more, expected) in enumerate(INCIDENTS):
        person = send.people[0][number]
        held = suppressions.many("ten_acme", [person.email]).get(person.email)
        now = contacts.get("ten_acme", person.contact_id)
        (kind,) = [name for name, members in sets.items() if number in members]
        assert (kind, held and held.reason, now.consent["email"]["status"]) == expected, (event, more)


def test_an_unsubscribe_is_told_like_one_by_our_own_link(here: World) -> None:
    send = sent()
    post(here, [report(send, "unsubscribe", 1)])
    here.settle()
    told = [frame for frame in here.published if frame["event_type"] == "marketing.email.unsubscribed"]
    assert [frame["data"]["campaign_id"] for frame in told] == [send.campaign]
    listed = here.call("contacts.list_unsubscribes", query={"channel": "email"}).data["items"]
    assert len(listed) == 1


def test_an_open_by_a_machine_is_no_persons(here: World) -> None:
    send = sent()
    agent: dict[str, Any] = {"useragent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)"}
    post(here, [report(send, "open", 0, sg_machine_open=True, **agent), report(send, "open", 1, **agent)])
    here.settle()
    assert send.stats() == {"opened_machine": {0}, "opened": {1}}


def test_an_account_tells_of_no_other_tenants_messages(here: World) -> None:
    """globex signs with its own key, and names a message of acme's."""
    send = sent()
    body = json.dumps([report(send, "bounce", 0, type="bounce", status="5.1.1")]).encode()
    reply = post(here, body, signed(body, "globex"), callback_of(here, "globex"))
    here.settle()
    assert reply.data == {"taken": 1} and send.stats() == {}
    assert suppressions.many("ten_acme", [send.people[0][0].email]) == {}


def test_each_account_has_its_own_key(here: World) -> None:
    send = sent(tenant="ten_globex")
    body = json.dumps([report(send, "delivered")]).encode()
    there = callback_of(here, "globex")
    assert post(here, body, signed(body, "acme"), there).status == 403
    assert post(here, body, signed(body, "globex")).status == 403  # the bare address is acme's
    assert post(here, body, signed(body, "globex"), there).data == {"taken": 1}
    event = http_event("$default", body=body, headers=signed(body, "globex")) | {"rawPath": f"/{there}"}
    assert here.run("feedback.receive_sendgrid_events", event)["statusCode"] == 200
    here.settle()
    assert send.stats() == {"delivered": {0}}


GOOD = json.dumps([{"event": "delivered", "email": "a@b.example", "timestamp": 1}]).encode()
FORGED = signed(GOOD)


UNSIGNED = [
    (GOOD, {}),
    (GOOD + b" ", FORGED),
    (GOOD, {**FORGED, sendgrid.TIMESTAMP: "1"}),
    (GOOD, {**FORGED, sendgrid.TIMESTAMP: ""}),
    (GOOD, {**FORGED, sendgrid.TIMESTAMP: "１７"}),
    (GOOD, {**FORGED, sendgrid.SIGNATURE: "no base64"}),
    (GOOD, {**FORGED, sendgrid.SIGNATURE: "AAAA"}),
    (GOOD, {**FORGED, sendgrid.SIGNATURE: FORGED[sendgrid.SIGNATURE][::-1]}),
    (GOOD, signed(GOOD, "somebody else")),
    (b"not json", FORGED),
]


def test_what_is_not_signed_changes_nothing(here: World) -> None:
    before = stored(here)
    for body, headers in UNSIGNED:
        reply = post(here, body, headers)
        assert (reply.status, reply.body["error_code"]) == (403, "BAD_SIGNATURE"), (body, headers)
    here.settle()
    assert stored(here) == before


def test_what_is_signed_and_no_report_is_refused(here: World) -> None:
    before = stored(here)
    for body in (b"", b"{}", b"[1]", b"not json", b'{"event": "delivered"}', b"[[]]"):
        reply = post(here, body)
        assert (reply.status, reply.body["success"], reply.body["error_code"]) == (400, False, "MALFORMED_BODY"), body
    assert stored(here) == before


@pytest.mark.parametrize("scale", [1, 1440])
def test_nothing_happens_before_its_send_was_launched(here: World, scale: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is reported; also where days pass in seconds, and the business clock has no such year."""
    monkeypatch.setattr(clock, "SCALE", scale)
    monkeypatch.setattr(clock, "ANCHOR", clock.wall().timestamp())
    send = sent()
    for said in (1, 1_642_248_600, 1_642_248_600_123, 1):  # some programs say milliseconds
        assert post(here, [report(send, "delivered") | {"timestamp": said}]).data == {"taken": 1}
    here.settle()
    assert [row["at"]["S"] for row in send.rows(0)] == [clock.iso(SENT_AT)] and send.stats()["delivered"] == {0}


def test_reports_of_no_mail_are_left_out(here: World) -> None:
    """Changes of the account have no address; a time may be anything at all."""
    odd = [
        {"event": "account_status_change", "timestamp": 1, "type": "compliance_suspend"},
        {"event": "delivered", "email": "a@b.example", "timestamp": "now"},
        {"event": "delivered", "email": "a@b.example", "timestamp": 1e300},
        {"event": "delivered", "email": "a@b.example", "timestamp": 10**400},
        {"event": "delivered", "email": "a@b.example", "timestamp": clock.wall().timestamp() + 90_000},
        {"event": "delivered", "email": "a@b.example", "timestamp": True},
        {"event": "delivered", "email": "a@b.example"},
        {},
    ]
    assert post(here, odd).data == {"taken": 0}


def test_the_vector_of_sendgrids_own_libraries(world: World) -> None:
    """It is from 2020: late, and taken all the same."""
    made = account(world, config={"verification_key": VECTOR["key"]})
    world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": made})
    told = sendgrid.headers(VECTOR["signature"], VECTOR["timestamp"])

    assert post(world, VECTOR["body"].encode(), told).data == {"taken": 1}
    assert post(world, VECTOR["body"].strip().encode(), told).status == 403
    world.settle()


def test_a_late_report_counts_and_is_marked(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    send = sent()
    body = json.dumps([report(send, "delivered")]).encode()
    assert post(here, body, signed(body, at=clock.wall().timestamp() - 3 * 3600)).data == {"taken": 1}
    assert '"LateReports":[1.0]' in capsys.readouterr().out.replace(" ", "")
    here.settle()
    assert send.stats() == {"delivered": {0}}
    assert post(here, body).data == {"taken": 1}
    assert "LateReports" not in capsys.readouterr().out


def test_many_reports_are_a_few_messages(here: World) -> None:
    """SQS takes 256 KB in a batch of ten."""
    send = sent()
    large = [report(send, "click", 1, after=n, url="https://shop.example/" + "ü" * 3000) for n in range(40)]
    assert post(here, large + [report(send, "delivered", n % 3, after=n) for n in range(160)]).data == {"taken": 200}
    waiting = rewind.backend("sqs").queues["drumbeat-feedback"].messages
    sizes = [len(message.body.encode()) for message in waiting]
    assert len(sizes) < 25 and max(sizes) < 25_000
    here.settle()
    assert send.stats()["delivered"] == {0, 1, 2}


def test_addresses_do_not_get_into_the_log(here: World, capsys: pytest.CaptureFixture[str]) -> None:
    metrics.clear_metrics()
    send = sent()
    post(here, [report(send, "bounce", 1, type="bounce", status="5.1.1", reason="no such user")])
    post(here, [{"event": "delivered", "email": "stranger@town.example", "timestamp": 1, "campaign_id": "x"}])
    here.settle()
    out = capsys.readouterr()
    assert "town.example" not in out.out + out.err and "mail.example" not in out.out + out.err
