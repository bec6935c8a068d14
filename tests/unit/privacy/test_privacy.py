"""A person gets a copy of all that is stored of it, and has it erased: over the API, and behind a confirmed link."""

import json
import re
from collections.abc import Iterable
from datetime import timedelta
from email.header import decode_header, make_header
from typing import Any

import boto3
import pytest
from drumbeat import clock, files, ids, table
from drumbeat.contacts import batch, suppressions
from drumbeat.contacts.batch import Incoming
from drumbeat.contacts.model import Contact
from drumbeat.feedback import known, tracking
from drumbeat.privacy import asking, disclosing, erasing, letters, model
from drumbeat.privacy.holdings import HOLDINGS, IMPERSONAL
from drumbeat.privacy.model import FOLDER, STALLED, PrivacyLink, PrivacyRequest
from drumbeat.sends import rollups, tokens
from moto.backends import get_backend

from tests.harness import Reply
from tests.rewind import ACCOUNT
from tests.sends import SENT_AT, sent
from tests.unit.campaigns.conftest import Shop
from tests.unit.contacts.files import imported, people
from tests.unit.exports.test_everything import entities
from tests.world import BUCKET, World

FORM = {"content-type": "application/x-www-form-urlencoded"}
ANN = "Ann.Lee@town.example"
PHONE = "+8801712345678"
# Whatever of these is left somewhere tells who it was.
TRACES = ("ann.lee", "Anika", PHONE, "203.0.113.7", "o-1", "shoes")


@pytest.fixture(autouse=True)
def _fresh() -> None:
    for module in (known, tracking, tokens, rollups):
        module.forget()


def asked(world: World, wish: str, **who: Any) -> Reply:
    return world.call("privacy.create_request", body={"wish": wish, **who})


def request(world: World, request_id: str) -> Any:
    return world.call("privacy.get_request", path={"request_id": request_id}).data


def data_of(told: Any) -> Any:
    """The file behind the link."""
    key = told["download"]["url"].split("?")[0].split(f"/{BUCKET}/")[1]
    return json.loads(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def stored(*, without: tuple[str, ...] = ()) -> list[str]:
    """Every item of the table as text, but those of types that are gone by themselves in days."""
    items = boto3.client("dynamodb").scan(TableName=table.TABLE)["Items"]
    return [str(item) for item in items if item["pk"]["S"].split("#")[0] not in ("REPLY", "OUTBOX", "RATE", *without)]


def known_person(shop: Shop) -> tuple[str, str]:
    """Somebody of whom there is something of every kind; gives the contact and a campaign."""
    world = shop.world
    contact = shop.contact(ANN, phone=PHONE, first_name="Anika", attributes={"likes": "shoes"}, tags=["shoes"])
    shop.contact("bob@town.example")
    segment = shop.segment("In town")
    campaign = shop.campaign(audience={"segments": [segment]})
    shop.launch(campaign)
    event = {"name": "purchase", "email": ANN, "event_id": "buy-1", "properties": {"value": 12, "order_id": "o-1"}}
    world.call("activity.record_events", body=event)
    world.call("activity.record_events", body={"name": "viewed", "email": ANN, "properties": {"what": "shoes"}})
    world.call("contacts.create_unsubscribe", body={"email": ANN, "reason": "too_frequent"})
    said = {"channel": "sms", "status": "granted", "source": "form", "ip": "203.0.113.7"}
    world.call("contacts.record_consent", path={"contact_id": contact}, body=said)
    world.call("contacts.create_suppression", body={"address": ANN, "reason": "complaint"})
    world.settle()
    return contact, campaign


def test_a_copy_has_all_that_is_stored_and_an_erasure_leaves_a_hash_and_exact_numbers(shop: Shop) -> None:
    world = shop.world
    contact, campaign = known_person(shop)

    made = asked(world, "data_export", address=ANN)
    assert made.status == 202 and made.data["state"] == "running" and made.data["download"] is None
    world.settle()

    told = request(world, made.data["id"])
    copy = data_of(told)
    assert told["state"] == "done" and copy["contact_id"] == contact
    assert set(copy) == {"request_id", "made_at", "contact_id", *(one.name for one in HOLDINGS)}
    assert copy["contact"][0]["first_name"] == "Anika" and copy["contact"][0]["attributes"] == {"likes": "shoes"}
    assert [one["campaign_id"] for one in copy["messages"]] == [campaign]
    assert {"purchase", "viewed", "email.sent"} <= {one["name"] for one in copy["timeline"]}
    assert [one["segment"] for one in copy["memberships"]] == ["In town"]
    assert copy["suppressions"][0]["reason"] == "complaint"
    assert copy["unsubscribes"][0]["reason"] == "too_frequent"
    assert any(one.get("ip") == "203.0.113.7" for one in copy["consent_history"])
    assert {name: len(rows) for name, rows in copy.items() if rows and isinstance(rows, list)} == told["counts"]
    _is_erased(shop, contact, campaign, made.data["id"])


def _is_erased(shop: Shop, contact: str, campaign: str, copied: str) -> None:
    world = shop.world
    before = shop.results(campaign)
    total = world.call("contacts.list_contacts").data["total_count"]

    made = asked(world, "erasure", contact_id=contact)

    assert made.status == 202
    assert world.call("contacts.get_contact", path={"contact_id": contact}).status == 404
    assert suppressions.find("ten_acme", ANN.upper()).reason == "erased"  # type: ignore[union-attr]
    # A worker that was at it when it happened writes one more row; the second look finds it.
    world._machines()
    late = {"pk": {"S": f"TIMELINE#ten_acme#{contact}"}, "sk": {"S": "2026"}, "name": {"S": "shoes"}, "ttl": {"N": "1"},
            "event_id": {"S": "x"}, "at": {"S": "2026-01-01T00:00:00.000Z"}}  # fmt: skip
    boto3.client("dynamodb").put_item(TableName=table.TABLE, Item=late)
    world.settle()
    told = request(world, made.data["id"])
    assert (told["state"], told["contact_id"], told["requested_by"][:4]) == ("done", contact, "key:")
    assert {name: told["counts"][name] for name in ("contact", "memberships", "timeline", "suppressions")} == {
        "contact": 1, "memberships": 1, "timeline": 3, "suppressions": 1
    }  # fmt: skip
    for item in stored():
        assert not [trace for trace in TRACES if trace.casefold() in item.casefold()], item
    assert files.read(FOLDER, "ten_acme", f"{contact}/data.json") == erasing.ERASED_FILE
    assert request(world, copied)["contact_id"] == contact
    after = shop.results(campaign)
    assert {**after, "as_of": None} == {**before, "as_of": None}
    assert world.call("contacts.list_contacts").data["total_count"] == total - 1
    chain = world.call("contacts.get_consent", path={"contact_id": contact}).data
    assert chain["verified"] and chain["deleted"] and len(chain["entries"]) > 2
    assert not [entry for entry in chain["entries"] if entry["evidence"]]
    assert world.run("contacts.verify_consents", {"tenant": "ten_acme"})["data"]["broken"] is None
    for _ in range(2):  # as often as one likes
        assert world.run("privacy.carry_out", {"tenant": "ten_acme", "request_id": made.data["id"]})["done"]


def test_an_erased_address_comes_back_neither_to_mails_nor_as_consented(shop: Shop) -> None:
    world = shop.world
    contact = shop.contact(ANN, phone=PHONE)
    shop.contact("bob@town.example")
    assert asked(world, "erasure", contact_id=contact).status == 202
    world.settle()

    rows = f"{ANN.lower()},{PHONE},Ann,yes\nnew@town.example,,N,yes\n"
    job = imported(world, f"email,phone,first_name,email_consent\n{rows}")
    assert job["created"] == 2
    back = people(world)[ANN.lower()]
    assert back["consent"] == {} and people(world)["new@town.example"]["consent"]["email"]["status"] == "granted"
    said = {"channel": "email", "status": "granted", "source": "shop"}
    world.call("contacts.record_consent", path={"contact_id": back["id"]}, body=said)
    campaign = shop.campaign()
    shop.launch(campaign)

    assert sorted(shop.mails.addresses()) == ["bob@town.example", "new@town.example"]
    assert shop.results(campaign)["not_sent_by_reason"] == {"suppressed": 1}
    shown = world.call("contacts.get_suppression", path={"address": ANN}).data
    assert (shown["reason"], shown["scope"]) == ("erased", "all") and shown["address"].startswith("erased:")
    world.call("contacts.create_suppression", body={"address": ANN})
    world.call("contacts.create_unsubscribe", body={"email": "ANN.LEE@town.example"})
    assert not [item for item in stored(without=("CONTACT", "ADDRESS", "CONSENT", "UNSUBSCRIBE")) if "ann.lee" in item]
    other = suppressions.hashed("ten_globex", ANN)
    assert other != suppressions.hashed("ten_acme", ANN)  # what one tenant erased tells another nothing
    assert world.call("contacts.delete_suppression", path={"address": ANN}).status == 409
    assert world.call("contacts.delete_suppression", path={"address": ANN}, query={"force": "true"}).status == 200


def test_a_file_that_is_being_imported_does_not_bring_consent_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]
    real = suppressions.erased

    def erased(tenant: str, addressed: Iterable[str]) -> set[str]:
        """The person is erased when the import has just looked whether it is."""
        found = real(tenant, addressed)
        if addressed:
            monkeypatch.setattr(suppressions, "erased", real)
            asked(world, "erasure", contact_id=contact)
        return found

    monkeypatch.setattr(suppressions, "erased", erased)
    said = {"email": {"status": "granted", "at": clock.iso(SENT_AT), "source": "import", "method": "import"}}
    batch.write("ten_acme", [Incoming(ids.new("con"), {"email": ANN, "consent": said})], now=clock.business())

    assert world.call("contacts.get_contact", path={"contact_id": contact}).status == 404
    assert people(world)[ANN]["consent"] == {}


def test_who_was_deleted_before_is_erased_by_the_id(world: World) -> None:
    said = {channel: {"status": "granted", "source": "form"} for channel in ("email", "sms")}
    contact = world.call("contacts.create_contact", body={"email": ANN, "phone": PHONE, "consent": said}).data["id"]
    world.call("activity.record_events", body={"name": "viewed", "email": ANN, "properties": {"what": "shoes"}})
    world.call("contacts.delete_contact", path={"contact_id": contact})
    world.settle()
    assert any(PHONE in item for item in stored())

    assert asked(world, "erasure", contact_id=contact).status == 202
    world.settle()

    assert not [item for item in stored() for trace in TRACES if trace.casefold() in item.casefold()]
    assert suppressions.find("ten_acme", PHONE).reason == "erased"  # type: ignore[union-attr]


def test_a_send_in_flight_skips_who_was_erased(shop: Shop) -> None:
    world = shop.world
    gone = shop.contact(ANN)
    shop.contact("bob@town.example")
    campaign = shop.campaign()
    shop.do("launch", campaign)
    world._machines()  # the audience is planned
    asked(world, "erasure", contact_id=gone)
    world.settle()

    assert shop.mails.addresses() == ["bob@town.example"]
    assert shop.results(campaign)["not_sent_by_reason"] == {"contact_deleted": 1}


def test_who_is_no_contact_has_rights_too(world: World) -> None:
    world.call("contacts.create_unsubscribe", body={"email": "stranger@town.example", "reason": "too_frequent"})

    copy = data_of(asked(world, "data_export", address="stranger@town.example").data)
    assert (len(copy["suppressions"]), len(copy["unsubscribes"]), copy["contact"]) == (1, 1, [])
    made = asked(world, "erasure", address="STRANGER@town.example")
    world.settle()
    folder = suppressions.hashed("ten_acme", "stranger@town.example").removeprefix("erased:")
    assert files.read(FOLDER, "ten_acme", f"{folder}/data.json") == erasing.ERASED_FILE

    assert request(world, made.data["id"])["counts"] == {"suppressions": 1, "unsubscribes": 1}
    assert not [item for item in stored() if "stranger" in item.casefold()]
    assert suppressions.find("ten_acme", "stranger@town.example").reason == "erased"  # type: ignore[union-attr]
    assert asked(world, "erasure", address="nobody@town.example").status == 404
    assert asked(world, "erasure", contact_id=ids.new("con")).status == 404
    assert asked(world, "erasure").status == asked(world, "erasure", address="x").status == 422
    assert world.call("privacy.get_request", path={"request_id": made.data["id"]}, tenant="globex").status == 404


def test_who_was_deleted_before_still_gets_a_copy(world: World) -> None:
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]
    world.call("activity.record_events", body={"name": "viewed", "email": ANN, "properties": {"what": "shoes"}})
    world.call("contacts.delete_contact", path={"contact_id": contact})
    made = asked(world, "data_export", contact_id=contact)
    world.settle()

    copy = data_of(request(world, made.data["id"]))

    assert [one["name"] for one in copy["timeline"]] == ["viewed"] and copy["contact"] == []


def test_a_copy_that_is_written_while_its_person_is_erased_is_not_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]
    row = model.find("ten_acme", asked(world, "data_export", contact_id=contact).data["id"])
    assert row is not None
    real = files.write

    def late(*args: Any) -> None:
        """The erasure is over before the file is there."""
        monkeypatch.setattr(files, "write", real)
        asked(world, "erasure", contact_id=contact)
        world.settle()
        real(*args)

    monkeypatch.setattr(files, "write", late)
    disclosing.advance(row)

    assert files.read(FOLDER, "ten_acme", f"{contact}/data.json") == erasing.ERASED_FILE


def test_earlier_addresses_are_hashed_too_but_not_those_that_somebody_else_has_now(world: World) -> None:
    said = {"consent": {"email": {"status": "granted", "source": "form"}}}
    contact = world.call("contacts.create_contact", body={"email": "first@town.example", **said}).data["id"]
    many = [f"e{number}@town.example" for number in range(erasing.MOST_ADDRESSES + 3)]
    for address in [*many, "shared@town.example", ANN]:
        world.call("contacts.update_contact", path={"contact_id": contact}, body={"email": address})
        told = {"channel": "email", "status": "revoked" if address in many[::2] else "granted", "source": "form"}
        world.call("contacts.record_consent", path={"contact_id": contact}, body=told)
    world.call("contacts.create_contact", body={"email": "shared@town.example"})
    world.call("contacts.create_suppression", body={"address": many[-1], "reason": "hard_bounce"})

    assert asked(world, "erasure", contact_id=contact).status == 202
    world.settle()

    for address in ("first@town.example", *many, ANN):
        assert suppressions.find("ten_acme", address).reason == "erased", address  # type: ignore[union-attr]
    assert suppressions.find("ten_acme", "shared@town.example") is None
    gone = ("first@town.example", *many, ANN.casefold())
    assert not [item for item in stored() for one in gone if one in item.casefold()]


def test_an_address_in_place_of_an_id_is_nobodys(world: World) -> None:
    world.call("contacts.create_unsubscribe", body={"email": "stranger@town.example"})

    for wish in ("erasure", "data_export"):
        assert asked(world, wish, contact_id="stranger@town.example").status == 404
    theirs = world.call("contacts.create_contact", body={"email": ANN}, tenant="globex").data["id"]
    assert asked(world, "erasure", contact_id=theirs).status == asked(world, "erasure", address=ANN).status == 404


def test_the_same_key_erases_once_and_a_lost_machine_is_started_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    contact = world.call("contacts.create_contact", body={"email": ANN}).data["id"]
    body, key = {"wish": "erasure", "contact_id": contact}, {"Idempotency-Key": "once"}
    first = world.call("privacy.create_request", body=body, headers=key)
    assert world.call("privacy.create_request", body=body, headers=key).body == first.body
    world.running.clear()
    world.seen.update(_executions())
    world.settle()
    assert request(world, first.data["id"])["state"] == "running"
    at = clock.wall() + STALLED + timedelta(minutes=1)
    monkeypatch.setattr(clock, "wall", lambda: at)
    assert world.run("privacy.sweep_requests")["result"] == 1
    world.settle()
    assert request(world, first.data["id"])["state"] == "done"
    assert world.call("privacy.list_requests").data["total_count"] == 1


def _executions() -> list[str]:
    machines = boto3.client("stepfunctions")
    return [
        execution["executionArn"]
        for machine in machines.list_state_machines()["stateMachines"]
        for execution in machines.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"]
    ]


class Reader:
    """A recipient with a browser, and the link of a mail."""

    def __init__(self, world: World, **more: Any) -> None:
        said = {"status": "granted", "at": clock.iso(SENT_AT), "source": "form", "method": "api"}
        self.world, self.send = world, sent(consent={"email": said}, **more)
        self.person = self.send.people[0][0]
        table.put_many([Contact.from_raw_data(table.raw(self.person))])
        self.token = self.send.token()

    def page(self, name: str, body: bytes | None = None, link: dict[str, str] | None = None) -> Reply:
        path = {"token": self.token, **(link or {})}
        return self.world.call(name, tenant=None, path=path, body=body, headers=FORM)

    def press(self, wish: str) -> Reply:
        reply = self.page("privacy.ask_for_link", f"page=1&wish={wish}".encode())
        self.world.settle()
        return reply

    def link(self, wish: str) -> dict[str, str]:
        """The parts of the link in the last mail."""
        to, text = self.world.mails()[-1]
        assert to == self.person.email
        found = re.search(rf"https://track\.example/p/{self.token}/{wish}/(\S+)", text)
        assert found, text
        return {"wish": wish, "code": found[1]}


def test_the_preference_page_leads_to_an_erasure_by_way_of_a_mail_only(world: World) -> None:
    reader = Reader(world, language="bn")
    page = reader.page("tracking.show_preferences")
    assert "আমার তথ্য মুছে ফেলুন" in page.text and f'action="../p/{reader.token}/data"' in page.text

    assert reader.press("erasure").status == 200
    reader.press("erasure")  # too soon for a second mail
    assert len(world.mails()) == 1
    link = reader.link("erasure")
    assert stored_contact(reader) is not None
    for _ in range(2):
        assert "<button" in reader.page("privacy.show_confirmation", link=link).text
    for wrong in ({**link, "code": "x"}, {**link, "wish": "data_export"}, {**link, "wish": "nonsense"}):
        assert reader.page("privacy.confirm_request", b"page=1", wrong).status == 404
    reader.page("privacy.confirm_request", b"no=form", link)
    other = Reader(world, people=[[*reader.send.people[0][1:], reader.person]])
    assert other.page("privacy.confirm_request", b"page=1", link).status == 404  # somebody else's token
    assert stored_contact(reader) is not None

    done = reader.page("privacy.confirm_request", b"page=1", link)
    assert done.status == 200 and stored_contact(reader) is None
    world.settle()
    assert "<button" not in reader.page("privacy.confirm_request", b"page=1", link).text
    (row,) = world.call("privacy.list_requests").data["items"]
    assert (row["state"], row["requested_by"], row["wish"]) == ("done", "recipient", "erasure")
    assert not list(table.rows(PrivacyLink, PrivacyLink.key("ten_acme", reader.person.contact_id, "erasure")[0]))


def stored_contact(reader: Reader) -> Contact | None:
    return Contact.fetch(*Contact.key("ten_acme", reader.person.contact_id))


def test_a_person_downloads_its_data_behind_the_link(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(world)
    reader.press("data_export")
    link = reader.link("data_export")
    assert "Yes, show me my data" in reader.page("privacy.show_confirmation", link=link).text
    assert "on its way" in reader.page("privacy.confirm_request", b"page=1", link).text
    again = reader.page("privacy.confirm_request", b"page=1", link)  # pressed twice is one request
    world.settle()
    assert world.call("privacy.list_requests").data["total_count"] == 1 and again.status == 200
    ready = reader.page("privacy.show_confirmation", link=link).text
    url = re.search(r'<a href="(https?://[^"]*data\.json[^"]*)"', ready)
    assert url and "X-Amz-Signature" in url[1]
    assert reader.person.email in files.read(FOLDER, "ten_acme", f"{reader.person.contact_id}/data.json").decode()

    at = clock.wall() + asking.LASTS
    monkeypatch.setattr(clock, "wall", lambda: at)
    assert reader.page("privacy.show_confirmation", link=link).status == 404


def test_two_presses_at_once_are_one_request_and_a_stale_press_is_none(world: World) -> None:
    reader = Reader(world)
    reader.press("erasure")
    target, link = tracking.message_of(reader.token), reader.link("erasure")
    assert target is not None
    both = [asking.follow(target, link["wish"], link["code"]) for _ in range(3)]
    first, second, third = [one for one in both if one is not None]

    done = [asking.carry_out(one, ids.new("prv")) for one in (first, second)]
    world.settle()

    assert done[0] is not None and done[1] is not None and done[0].request_id == done[1].request_id
    assert asking.carry_out(third, ids.new("prv")) is None  # the link went with the rest
    assert world.call("privacy.list_requests").data["total_count"] == 1


def test_a_message_that_comes_again_mails_nothing_however_late(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Reader(world)
    message = asking.LetterMessage(
        tenant="ten_acme", contact=reader.person.contact_id, wish="erasure", token=reader.token, cause="one"
    )
    asking.mail(message)
    at = clock.wall() + asking.APART + timedelta(seconds=1)
    monkeypatch.setattr(clock, "wall", lambda: at)

    asking.mail(message)
    assert len(world.mails()) == 1
    asking.mail(message.model_copy(update={"cause": "two"}))
    assert len(world.mails()) == 2


def test_a_senders_name_may_have_any_letters(world: World) -> None:
    world.call("accounts.update_settings", body={"sender_name": "আড়ং, Dhaka"})
    reader = Reader(world)
    reader.press("data_export")

    (mail,) = get_backend("ses")[ACCOUNT]["us-east-1"].sent_messages
    assert mail.source.isascii() and str(make_header(decode_header(mail.source))).startswith("আড়ং, Dhaka <")


def test_the_page_of_a_form_that_says_nothing_still_saves(world: World) -> None:
    reader = Reader(world)
    page = reader.page("privacy.ask_for_link", b"page=1&wish=nonsense")
    assert page.status == 400 and f'action="../{reader.token}"' in page.text and 'action="data"' in page.text


def test_letters_speak_the_pages_languages() -> None:
    for language in ("en", "bn", "xx"):
        subject, text = letters.written(language, "erasure", "Acme", "https://l.example", 60)
        assert "Acme" in subject and "https://l.example" in text and "60" in text


def test_every_entity_is_a_persons_or_has_a_reason_not_to_be() -> None:
    personal = {entity.TYPE for one in HOLDINGS for entity in one.carries}

    forgotten = entities() - personal - set(IMPERSONAL)

    assert not forgotten, (
        f"add a line to HOLDINGS or IMPERSONAL of drumbeat/privacy/holdings.py for {sorted(forgotten)}"
    )
    assert not personal & set(IMPERSONAL)
    assert PrivacyRequest.TYPE in IMPERSONAL and model.KEPT
