"""Double opt-in: consent counts once the owner of the address has confirmed it, asked by few mails, each sent once."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.contacts import batch, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.batch import Incoming
from drumbeat.contacts.opt_in import asking, rules
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.sends import gate, senders
from drumbeat.sends.senders import Sender

from tests.harness import Reply
from tests.unit.contacts.files import imported
from tests.unit.mail import Provider, provider
from tests.world import World

ACME = "ten_acme"
ANN = "ann@example.com"
FORM = {"content-type": "application/x-www-form-urlencoded", "user-agent": "Mozilla/5.0 (Phone)"}


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Provider]:
    with provider(tmp_path / "mail") as found:
        yield found


@pytest.fixture
def world(mails: Provider, world: World) -> World:
    """A world whose mail provider is the simulator, and whose tenant wants confirmations of what forms say."""
    world.call("accounts.update_settings", body={"double_opt_in_sources": ["Form"]})
    return world


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let business time pass."""
    moved = [timedelta(0)]
    now = clock.business
    monkeypatch.setattr(clock, "business", lambda: now() + moved[0])

    def pass_time(**duration: float) -> None:
        moved[0] += timedelta(**duration)

    yield pass_time


def sign_up(world: World, email: str = ANN, source: str | None = "form", **said: Any) -> str:
    body = {"email": email, "consent": {"email": {"status": "granted", "source": source, **said}}}
    made = str(world.call("contacts.create_contact", body=body).data["id"])
    world.settle()
    return made


def say(world: World, contact_id: str, status: str = "granted", **more: Any) -> Any:
    body = {"channel": "email", "status": status, "source": "form", **more}
    told = world.call("contacts.record_consent", path={"contact_id": contact_id}, body=body).data
    world.settle()
    return told["consent"]["email"]


def again(world: World, contact_id: str) -> Reply:
    reply = world.call("contacts.request_confirmation", path={"contact_id": contact_id})
    world.settle()
    return reply


def links(mails: Provider) -> list[str]:
    """The tokens of the mails' links, oldest first."""
    return [str(re.search(r"/confirm/([\w-]+)", mail["text"])[1]) for mail in mails.mails()]  # type: ignore[index]


def look(world: World, token: str) -> Reply:
    return world.call("tracking.show_confirmation", tenant=None, path={"token": token})


def press(world: World, token: str, body: bytes = b"page=1") -> Reply:
    reply = world.call("tracking.confirm_subscription", tenant=None, path={"token": token}, body=body, headers=FORM)
    world.settle()
    return reply


def status(contact_id: str) -> str:
    return str(contacts.get(ACME, contact_id).consent["email"]["status"])


def history(world: World, contact_id: str) -> Any:
    told = world.call("contacts.get_consent", path={"contact_id": contact_id}).data
    assert told["verified"], told["broken"]
    return told


def test_consent_counts_when_the_link_of_the_mail_was_confirmed(world: World, mails: Provider) -> None:
    contact_id = sign_up(world)

    assert status(contact_id) == "pending"
    assert consent.may_market(contacts.get(ACME, contact_id), "email", None) == "not_confirmed"
    (mail,) = mails.mails()
    assert mail["to"] == [ANN] and "Acme" in mail["subject"] and "1 Main Street" in mail["html"]
    (token,) = links(mails)
    assert 'method="post"' in look(world, token).text and status(contact_id) == "pending"
    assert press(world, token, b"").status == 200 and status(contact_id) == "pending"

    for _ in range(2):
        assert "Thank you" in press(world, token).text

    told = history(world, contact_id)
    assert [entry["statements"][0]["status"] for entry in told["entries"]] == ["pending", "granted"]
    assert told["entries"][1]["statements"][0]["method"] == "double_opt_in"
    assert told["entries"][1]["actor"] == "recipient"
    assert told["entries"][1]["evidence"]["ip"] == "127.0.0.1"
    assert told["entries"][1]["evidence"]["user_agent"] == "Mozilla/5.0 (Phone)"
    assert (told["confirmation"]["state"], told["confirmation"]["mails"][0]["outcome"]) == ("confirmed", "sent")
    assert consent.may_market(contacts.get(ACME, contact_id), "email", None) is None
    # Asked for again, the person stays confirmed and gets nothing.
    assert say(world, contact_id)["method"] == "double_opt_in"
    assert again(world, contact_id).body["error_code"] == "ALREADY_CONFIRMED"
    assert len(mails.mails()) == 1 and len(history(world, contact_id)["entries"]) == 2


def test_only_some_sources_ask_and_a_mail_goes_out_once_however_often_its_message_comes(
    world: World, mails: Provider
) -> None:
    assert status(sign_up(world, "a@example.com", source="shop")) == "granted"
    assert status(sign_up(world, "b@example.com", method="double_opt_in")) == "granted"  # confirmed elsewhere
    contact_id = sign_up(world)
    message = {"tenant": ACME, "address_key": rules.address_key(ACME, ANN)}
    for _ in range(3):
        event = {"Records": [{"messageId": "1", "body": json.dumps(message), "attributes": {}}]}
        assert world.run("contacts.send_confirmation", event) == {"batchItemFailures": []}
    world.run("contacts.sweep_confirmations", {})
    world.settle()
    assert len(mails.mails()) == 1
    for _ in range(2):  # a form sent twice
        assert say(world, contact_id)["status"] == "pending"
    assert mails.addresses() == [ANN] and len(history(world, contact_id)["entries"]) == 1
    world.call("accounts.update_settings", body={"double_opt_in": True})
    assert status(sign_up(world, "c@example.com", source=None)) == "pending"


def test_an_opt_out_is_not_forgotten_by_a_form_that_nobody_confirmed(world: World, mails: Provider) -> None:
    contact_id = sign_up(world, source="shop")
    world.call("contacts.create_unsubscribe", body={"email": ANN})
    assert say(world, contact_id)["status"] == "pending"
    assert say(world, contact_id, source="Form")["status"] == "pending"

    imported(world, f"email,consent,confirmed\n{ANN},yes,yes\n")

    assert history(world, contact_id)["consent"]["email"]["status"] == "pending"
    assert history(world, contact_id)["verified"]
    world.call("contacts.delete_contact", path={"contact_id": contact_id})
    held = suppressions.find(ACME, ANN)
    assert held and held.reason == "unsubscribed"


def confirmation(world: World, contact_id: str) -> Any:
    return history(world, contact_id)["confirmation"]


def test_a_mail_in_doubt_is_not_repeated_but_shown_and_one_that_did_not_leave_is(
    world: World, mails: Provider, later: Callable[..., None]
) -> None:
    taken, lost, throttled = ("500_accepted", "500", "429")
    people, dead = {}, sign_up(world)
    for kind in (taken, lost, throttled):
        mails.fault(kind, count=1)
        people[kind] = sign_up(world, f"{kind.replace('_', '.')}@example.com")
    row = OptIn.fetch(*OptIn.key(ACME, rules.address_key(ACME, ANN)))
    assert row is not None
    sending = [{**row.mails[0], "outcome": "sending"}]
    row.change(OptIn.state.set("sending"), OptIn.mails.set(sending), OptIn.gsi2sk.set(clock.iso(clock.business())))
    assert confirmation(world, people[throttled])["state"] == "due"

    later(hours=1)
    senders.get().change(Sender.held_until.remove())  # the moment that a throttled account is left alone is over
    gate.forget()
    world.run("contacts.sweep_confirmations", {})
    world.settle()

    states = [confirmation(world, one)["state"] for one in (people[taken], people[lost], dead, people[throttled])]
    assert states == ["unknown", "unknown", "unknown", "sent"]
    assert mails.addresses() == [ANN, "500.accepted@example.com", "429@example.com"]
    for kind in (taken, lost):
        assert again(world, people[kind]).status == 202
        assert confirmation(world, people[kind])["state"] == "sent"
    assert len(mails.mails()) == 5
    assert "Thank" in press(world, links(mails)[1]).text  # of the mail that was in doubt
    assert status(people[taken]) == "granted"


def test_an_address_gets_few_mails_and_the_refusal_says_when_again(
    world: World, mails: Provider, later: Callable[..., None]
) -> None:
    contact_id = sign_up(world)
    soon = again(world, contact_id)
    assert (soon.status, soon.body["error_code"]) == (429, "CONFIRMATION_TOO_SOON")
    assert 0 < int(soon.headers["Retry-After"]) <= 300
    for _ in range(2):
        later(minutes=6)
        assert again(world, contact_id).status == 202
    later(minutes=6)
    day = again(world, contact_id)
    assert day.status == 429 and int(day.headers["Retry-After"]) > 80_000
    say(world, contact_id)  # signing up once more sends none either
    assert len(mails.mails()) == 3
    for _ in range(2):
        later(hours=25)
        say(world, contact_id)
    assert len(mails.mails()) == 5
    later(days=2)
    assert again(world, contact_id).body["error_code"] == "TOO_MANY_CONFIRMATIONS"
    # Nor does another contact with the address start anew.
    world.call("contacts.delete_contact", path={"contact_id": contact_id})
    other = sign_up(world)
    assert len(mails.mails()) == 5
    assert history(world, other)["confirmation"]["reason"] == "limit"


def test_nobody_who_is_suppressed_or_has_complained_gets_a_mail(world: World, mails: Provider) -> None:
    world.call("contacts.create_suppression", body={"address": ANN})
    barred = sign_up(world)
    assert confirmation(world, barred)["reason"] == "suppressed:manual"
    assert again(world, barred).body["error_code"] == "CONFIRMATION_BARRED"

    complained = sign_up(world, "bob@example.com", source="shop")
    consent.revoke(
        ACME, contacts.get(ACME, complained), "email", reason="complaint", method="provider", source=None,
        at=clock.business(), cause="snd_1",
    )  # fmt: skip
    assert say(world, complained)["status"] == "pending"
    assert confirmation(world, complained)["reason"] == "revoked_by_provider"
    assert mails.mails() == []

    # An opt-out of one's own is another matter: who signs up again is asked, and takes it back by confirming.
    third = sign_up(world, "eve@example.com", source="shop")
    world.call("contacts.create_unsubscribe", body={"email": "eve@example.com"})
    world.call("contacts.delete_contact", path={"contact_id": third})
    third = sign_up(world, "eve@example.com")
    assert suppressions.find(ACME, "eve@example.com") is not None
    press(world, links(mails)[0])
    assert status(third) == "granted" and suppressions.find(ACME, "eve@example.com") is None


def test_an_expired_link_confirms_nothing_and_offers_a_new_one(
    world: World, mails: Provider, later: Callable[..., None]
) -> None:
    contact_id = sign_up(world)
    (token,) = links(mails)
    later(days=7, minutes=1)
    world.run("contacts.sweep_confirmations", {})
    assert status(contact_id) == "expired"
    assert confirmation(world, contact_id)["state"] == "expired"
    assert consent.may_market(contacts.get(ACME, contact_id), "email", None) == "not_confirmed"

    assert "expired" in look(world, token).text
    assert "expired" in press(world, token).text and status(contact_id) == "expired"
    assert "on its way" in press(world, token, b"page=1&again=1").text
    assert "on its way" not in press(world, token, b"page=1&again=1").text
    assert status(contact_id) == "pending"
    old, new = links(mails)
    assert "Thank" in press(world, new).text and old == token
    statuses = [entry["statements"][0]["status"] for entry in history(world, contact_id)["entries"]]
    assert statuses == ["pending", "expired", "pending", "granted"]


def test_a_stale_link_opens_nothing_that_was_closed(world: World, mails: Provider) -> None:
    contact_id = sign_up(world)
    (token,) = links(mails)
    say(world, contact_id, "revoked")
    assert "no use" in press(world, token).text and status(contact_id) == "revoked"
    other = sign_up(world, "bob@example.com")
    bobs = links(mails)[1]
    world.call("contacts.update_contact", path={"contact_id": other}, body={"email": "else@example.com"})
    assert "no use" in press(world, bobs).text and status(other) == "pending"
    assert again(world, other).status == 202  # to the new address
    assert "Thank" in press(world, links(mails)[2]).text and status(other) == "granted"
    for wrong in (bobs[:-2] + "AA", "x" * 90, "#", token + "=="):
        assert look(world, wrong).status == press(world, wrong).status == 404


def test_an_import_asks_once_at_the_accounts_pace_and_leaves_confirmed_people_alone(
    world: World, mails: Provider, later: Callable[..., None]
) -> None:
    known = sign_up(world, "p0@example.com", source="shop")
    gone = sign_up(world, "p1@example.com", source="shop")
    say(world, gone, "revoked")
    suppressions.suppress(ACME, "p2@example.com", "all", "hard_bounce", None, clock.business())
    said = {"status": "granted", "at": clock.iso(clock.business()), "source": "list.csv", "method": "import"}
    done = {"status": "granted", "at": clock.iso(clock.business()), "source": "old system", "method": "double_opt_in"}
    rows = [
        Incoming(
            f"con_{number:026d}",
            {"email": f"p{number}@example.com", "consent": asking.to_confirm({"email": done if number == 9 else said})},
        )
        for number in range(10)
    ]

    asked = []
    for _ in range(2):  # a slice that is done twice
        outcomes = batch.write(ACME, rows, now=clock.business())
        ids = [one.contact_id for one in outcomes if one.contact_id]
        asked.append(asking.request_many(ACME, ids, now=clock.business()))

    assert asked == [7, 0] and mails.mails() == []
    account = senders.get()
    for left, sent in ((2, 2), (100, 6)):
        account.change(Sender.left_today.set(left))
        later(minutes=11)
        world.run("contacts.sweep_confirmations", {})
        world.settle()
        assert len(mails.mails()) == sent
    assert sorted(mails.addresses()) == [f"p{number}@example.com" for number in range(3, 9)]
    statuses = {one.email: one.consent["email"]["status"] for one in contacts.many(ACME, ids)}
    assert [statuses[f"p{number}@example.com"] for number in (0, 1, 2, 9)] == [
        "granted", "revoked", "pending", "granted",
    ]  # fmt: skip
    assert known and statuses["p3@example.com"] == "pending"


def test_a_list_with_double_opt_in_asks_whom_it_gets_and_who_has_said_nothing(world: World, mails: Provider) -> None:
    body = {"name": "News", "dynamic": False, "double_opt_in": True}
    news = world.call("segments.create_segment", body=body).data
    assert news["double_opt_in"] and world.call("segments.create_segment", body={**body, "dynamic": True}).refused
    silent = str(world.call("contacts.create_contact", body={"email": ANN}).data["id"])
    agreed, refused = sign_up(world, "a@example.com", source="shop"), sign_up(world, "b@example.com", source="shop")
    say(world, refused, "revoked")

    named = {"contact_ids": [silent, agreed, refused]}
    asked = [
        world.call("segments.add_members", path={"segment_id": news["id"]}, body=named).data["asked_to_confirm"]
        for _ in range(2)
    ]
    world.run("contacts.sweep_confirmations", {})
    world.settle()

    assert (asked, mails.addresses()) == ([1, 0], [ANN])
    assert [status(one) for one in (silent, agreed, refused)] == ["pending", "granted", "revoked"]
    press(world, links(mails)[0])
    assert history(world, silent)["consent"]["email"]["source"] == news["slug"] and status(silent) == "granted"


def test_the_tenants_own_template_is_used_if_it_has_the_link(world: World, mails: Provider) -> None:
    block = {"name": "button", "html": '<a href="{{ url }}">here</a>'}
    assert world.call("templates.create_block", body=block).status == 201
    for name, html in (
        (
            "Ours",
            '<p>Dear {{ first_name | default: "you" }}, {% render "button", url: confirm_url %}. '
            "{{ postal_address }}</p>",
        ),
        ("Linkless", "<p>Hello</p>"),
    ):
        body = {"name": name, "subject": f"{name} for {{{{ email }}}}", "html": html, "variables": ["confirm_url"]}
        assert world.call("templates.create_template", body=body).status == 201
    subjects = []
    for number, name in enumerate(("ours", "linkless", "gone")):
        world.call("accounts.update_settings", body={"confirmation_template": name})
        settings.forget()
        sign_up(world, f"t{number}@example.com")
        subjects.append(mails.mails()[-1]["subject"])
    assert subjects[0] == "Ours for t0@example.com"
    assert all("confirm" in subject for subject in subjects[1:]) and len(links(mails)) == 3
    row = OptIn.fetch(*OptIn.key(ACME, rules.address_key(ACME, "t1@example.com")))
    assert row is not None and "confirm_url" in row.reason

    # Without what every mail must have, none goes out, and that is shown.
    world.call("accounts.update_settings", body={"postal_address": None})
    contact_id = sign_up(world)
    assert confirmation(world, contact_id)["reason"] == "no_postal_address"
    world.call("accounts.update_settings", body={"postal_address": "1 Main Street, Springfield"})
    assert again(world, contact_id).status == 202 and mails.addresses()[-1] == ANN


def _came_back(world: World, mail: dict[str, Any], kind: str, **about: Any) -> None:
    """SES tells something of a mail, with the mail's tags."""
    told = {
        "eventType": kind,
        "mail": {
            "timestamp": clock.iso(clock.wall()), "destination": mail["to"],
            "tags": {name: [value] for name, value in mail["tags"].items()},
        },
        **about,
    }  # fmt: skip
    event = {"Records": [{"messageId": "1", "body": json.dumps(told), "attributes": {}}]}
    for _ in range(2):
        assert world.run("feedback.apply_feedback", event) == {"batchItemFailures": []}


def test_what_comes_back_settles_doubts_and_suppresses_bad_addresses(world: World, mails: Provider) -> None:
    mails.fault("500_accepted", count=1)
    doubtful, bounced, complained = (sign_up(world, f"p{number}@example.com") for number in range(3))
    first, second, third = mails.mails()
    now = clock.iso(clock.wall())

    _came_back(world, first, "Delivery", delivery={"timestamp": now})
    _came_back(world, second, "Bounce", bounce={"bounceType": "Permanent", "timestamp": now, "bouncedRecipients": []})
    _came_back(world, third, "Complaint", complaint={"timestamp": now, "complainedRecipients": []})

    assert history(world, doubtful)["confirmation"]["state"] == "sent"
    assert history(world, bounced)["confirmation"]["mails"][0]["outcome"] == "bounced"
    assert again(world, bounced).body["error_code"] == "CONFIRMATION_BARRED"
    assert status(complained) == "revoked"
    assert suppressions.find(ACME, "p2@example.com") is not None
