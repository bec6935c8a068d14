"""The ledger of consent: one entry a statement, in a chain that shows where somebody altered it."""

import io
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts import batch, ledger, verifying
from drumbeat.contacts import model as contacts
from drumbeat.contacts.batch import Incoming
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.seals import Seal
from drumbeat.contacts.views import NewContact

from infra import consents as command
from infra import operators
from tests.world import World

ACME = "ten_acme"
FORGED = {
    "channel": "email", "status": "granted", "at": "2026-01-01T00:00:00.000Z", "source": "forged", "method": "api",
}  # fmt: skip
GRANTED = {"email": {"status": "granted", "source": "form"}}


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Let business time pass."""
    moved = [timedelta(0)]
    now = clock.business
    monkeypatch.setattr(clock, "business", lambda: now() + moved[0])

    def pass_time(**duration: float) -> None:
        moved[0] += timedelta(**duration)

    yield pass_time


def _contact(world: World, email: str = "ann@example.com", **said: Any) -> str:
    return str(world.call("contacts.create_contact", body={"email": email, "consent": GRANTED, **said}).data["id"])


def _say(world: World, contact_id: str, status: str, **more: Any) -> None:
    body = {"channel": "email", "status": status, **more}
    assert world.call("contacts.record_consent", path={"contact_id": contact_id}, body=body).status == 200


def _history(world: World, contact_id: str) -> Any:
    return world.call("contacts.get_consent", path={"contact_id": contact_id}).data


def _said(world: World, contact_id: str) -> list[tuple[str, str]]:
    """(status, method) of all statements about e-mail."""
    entries = _history(world, contact_id)["entries"]
    return [(one["status"], one["method"]) for entry in entries for one in entry["statements"]]


def _verify(world: World, **more: Any) -> Any:
    """The whole verification, slice by slice."""
    seen = {"contacts": 0, "entries": 0}
    cursor = None
    while True:
        told = world.run("contacts.verify_consents", {"tenant": ACME, "cursor": cursor, **more})["data"]
        seen = {name: number + told[name] for name, number in seen.items()}
        cursor = told["cursor"]
        if cursor is None:
            return {**told, **seen}


def test_each_statement_is_an_entry_and_the_history_shows_them_all(world: World) -> None:
    contact_id = _contact(world)
    _say(world, contact_id, "revoked", source="phone call")
    _say(world, contact_id, "granted", source="shop", ip="203.0.113.7", user_agent="Mozilla/5.0")

    told = _history(world, contact_id)

    assert [entry["number"] for entry in told["entries"]] == [1, 2, 3]
    assert [entry["statements"][0]["status"] for entry in told["entries"]] == ["granted", "revoked", "granted"]
    assert told["entries"][2]["statements"][0]["source"] == "shop"
    assert told["entries"][2]["evidence"] == {
        "email": "ann@example.com", "phone": None, "ip": "203.0.113.7", "user_agent": "Mozilla/5.0",
    }  # fmt: skip
    assert told["entries"][0]["actor"].startswith("key:")
    assert (told["verified"], told["broken"], told["deleted"]) == (True, None, False)
    assert told["consent"]["email"]["status"] == "granted"
    assert world.call("contacts.get_consent", path={"contact_id": contact_id}, tenant="globex").status == 404
    assert _verify(world)["broken"] is None


def test_what_is_said_twice_is_one_entry_and_two_at_once_are_two(world: World) -> None:
    contact_id = _contact(world)
    for said in ({"status": "granted", "source": "shop"}, {"status": "revoked"}):
        for _ in range(2):
            _say(world, contact_id, **said)
    for _ in range(2):
        world.call("contacts.create_unsubscribe", body={"email": "ann@example.com"})
    assert _said(world, contact_id) == [("granted", "api"), ("granted", "api"), ("revoked", "api")]

    # A creation whose reply, and what was stored of it, were lost.
    new, bob = NewContact.model_validate({"email": "bob@example.com", "consent": GRANTED}), "con_" + "0" * 26
    for _ in range(2):
        contacts.add(ACME, new, contact_id=bob, now=clock.business())
    assert _said(world, bob) == [("granted", "api")]

    rivals = [("revoked", "b"), ("granted", "a")]
    events = table.connection().connection.client.meta.events

    def meanwhile(**_: Any) -> None:
        if rivals:
            status, source = rivals.pop()
            _say(world, bob, status, source=source)

    # Before one's transaction leaves, another one's is written.
    events.register("before-parameter-build.dynamodb.TransactWriteItems", meanwhile, unique_id="rival")
    try:
        _say(world, bob, "revoked", source="c")
    finally:
        events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="rival")
    told = _history(world, bob)
    assert told["verified"] and [entry["number"] for entry in told["entries"]] == [1, 2, 3, 4]
    assert [entry["statements"][0]["source"] for entry in told["entries"]] == ["form", "b", "a", "c"]


def test_an_import_writes_one_entry_a_person_and_again_none(world: World) -> None:
    said = {"status": "granted", "at": "2026-01-01T00:00:00.000Z", "source": "file.csv", "method": "import"}
    rows = [
        Incoming(f"con_{number:026d}", {"email": f"p{number}@example.com", "consent": {"email": said, "sms": said}})
        for number in range(70)
    ]

    for _ in range(2):
        batch.write(ACME, rows, now=clock.business())

    entries = ledger.history(ACME, rows[0].contact_id)
    assert [len(entry.statements) for entry in entries] == [2]
    assert _size(entries[0]) < 640
    told = _verify(world)
    assert (told["contacts"], told["entries"], told["broken"]) == (70, 70, None)


def _size(entry: Entry) -> int:
    """Bytes as DynamoDB counts them, about: names and values."""
    return sum(len(name) + len(next(iter(value.values()))) for name, value in table.raw(entry).items())


def test_a_deleted_contact_leaves_a_chain_that_ends_and_that_erasure_keeps_whole(
    world: World, later: Callable[..., None]
) -> None:
    contact_id = _contact(world)
    _say(world, contact_id, "revoked")
    world.call("contacts.delete_contact", path={"contact_id": contact_id})

    assert ledger.redact(ACME, contact_id, clock.business()) == 2
    assert ledger.redact(ACME, contact_id, clock.business()) == 0

    told = _history(world, contact_id)
    assert (told["deleted"], told["verified"], told["entries"][-1]["ends"]) == (True, True, "deleted")
    assert "ann@example.com" not in str(told)
    assert [entry["evidence"] for entry in told["entries"]] == [None, None, None]
    later(hours=1)
    world.run("contacts.seal_consents", {})
    assert _verify(world)["broken"] is None
    # The same file once more does not bring the person back.
    row = Incoming(contact_id, {"email": "ann@example.com", "consent": {"email": {"status": "granted", "at": "x"}}})
    assert [one.what for one in batch.write(ACME, [row], now=clock.business())] == ["created"]
    assert contacts.find(ACME, contact_id) is None


def _drop(entry: Entry | Seal) -> None:
    table.write_many(deletes=[(entry.pk, entry.sk)])


def _changed(entries: list[Entry], _: Contact) -> None:
    statements = [{**entries[1].statements[0], "status": "granted"}]
    Entry.change_at(entries[1].pk, entries[1].sk, Entry.statements.set(statements))


def _rehashed(entries: list[Entry], _: Contact) -> None:
    """Changed, and its own hash made to fit."""
    entries[1].statements = [{**entries[1].statements[0], "source": "nobody"}]
    entries[1].hash = ledger.hash_of(entries[1], entries[0].hash)
    entries[1].save()


def _other_address(entries: list[Entry], _: Contact) -> None:
    Entry.change_at(entries[0].pk, entries[0].sk, Entry.personal.set({**entries[0].personal, "email": "x@example.com"}))


def _deleted(entries: list[Entry], _: Contact) -> None:
    _drop(entries[1])


def _truncated(entries: list[Entry], _: Contact) -> None:
    _drop(entries[2])


def _reordered(entries: list[Entry], _: Contact) -> None:
    entries[1].sk, entries[2].sk = entries[2].sk, entries[1].sk
    table.put_many(entries[1:])


def _inserted(entries: list[Entry], contact: Contact) -> None:
    contact.consent_entries, contact.consent_hash = 3, entries[2].hash
    ledger.entry(contact, [FORGED], ledger.NO_EVIDENCE).save()


def _consent_changed(_: list[Entry], contact: Contact) -> None:
    consent = {"email": {**contact.consent["email"], "status": "revoked"}}
    Contact.change_at(contact.pk, contact.sk, Contact.consent.set(consent))


TAMPERINGS: list[tuple[Callable[[list[Entry], Contact], None], int, str]] = [
    (_changed, 2, "changed"), (_rehashed, 3, "changed"), (_other_address, 1, "personal_data_changed"),
    (_deleted, 2, "missing"), (_truncated, 3, "missing"), (_reordered, 2, "changed"),
    (_inserted, 4, "not_in_contact"), (_consent_changed, 3, "consent_differs"),
]  # fmt: skip


def test_tampering_with_a_chain_is_found_where_it_was_done(world: World) -> None:
    contact_id = _contact(world)
    _say(world, contact_id, "revoked")
    _say(world, contact_id, "granted", source="shop")
    _contact(world, "bob@example.com")
    keys = [Contact.key(ACME, contact_id), *(Entry.key(ACME, contact_id, number) for number in range(1, 5))]
    whole = table.raw_many(keys)

    for tampered, number, fault in TAMPERINGS:
        tampered(ledger.history(ACME, contact_id), contacts.get(ACME, contact_id))

        broken = _verify(world)["broken"]
        assert (broken["where"], broken["number"], broken["fault"]) == (contact_id, number, fault), tampered
        told = _history(world, contact_id)
        assert (told["verified"], told["broken"]["number"]) == (False, number)

        table.write_many(deletes=keys)
        _restore(whole)
    assert _verify(world)["broken"] is None


def _restore(items: list[dict[str, Any]]) -> None:
    for item in items:
        table.connection().connection.client.put_item(TableName=table.TABLE, Item=item)


def _sealed(world: World, later: Callable[..., None], people: int = 3) -> list[str]:
    made = [_contact(world, f"p{number}@example.com") for number in range(people)]
    later(hours=7)
    world.run("contacts.seal_consents", {})
    return made


def test_what_a_chain_cannot_tell_its_seal_does(world: World, later: Callable[..., None]) -> None:
    people = _sealed(world, later)
    assert world.run("contacts.seal_consents", {})["result"] == 0  # nothing new, no seal
    noted = _verify(world)["seals"]
    assert _verify(world, expected=noted)["broken"] is None

    # An entry that was put into a time that is sealed.
    (entry,), nobody = ledger.history(ACME, people[0]), "con_" + "0" * 26
    entry.pk, entry.gsi1sk = Entry.partition(ACME, nobody), ledger.place(entry.recorded_at, nobody, 1)
    entry.save()
    assert _found(world) == (nobody, 1, "not_sealed")
    _drop(entry)

    # A chain that was made anew from its first entry, with the contact.
    (entry,), contact = ledger.history(ACME, people[1]), contacts.get(ACME, people[1])
    whole = table.raw_many([(entry.pk, entry.sk), (contact.pk, contact.sk)])
    consent = {"email": {**contact.consent["email"], "source": "forged"}}
    entry.statements = [{"channel": "email", **consent["email"]}]
    entry.hash = ledger.hash_of(entry, ledger.genesis(ACME, people[1]))
    entry.save()
    Contact.change_at(contact.pk, contact.sk, Contact.consent.set(consent), Contact.consent_hash.set(entry.hash))
    assert _history(world, people[1])["verified"]
    assert _found(world) == (people[1], 1, "changed")
    _restore(whole)

    # A seal.
    shard, number, _ = noted[0].split("/")
    seal = Seal.fetch(*Seal.key(ACME, int(shard), int(number)))
    assert seal is not None
    whole = table.raw_many([(seal.pk, seal.sk)])
    Seal.change_at(seal.pk, seal.sk, Seal.until.set("2000"))
    assert _found(world) == (f"seals of shard {shard}", int(number), "seal_changed")
    _restore(whole)

    # A chain that is gone, with its contact.
    contact = contacts.get(ACME, people[2])
    for row in ledger.history(ACME, people[2]):
        _drop(row)
    table.write_many(deletes=[(contact.pk, contact.sk), *((row.pk, row.sk) for row in contacts.claims(contact))])
    assert _found(world) == (people[2], 1, "missing")

    # The seal of it, too: whoever noted it elsewhere misses it.
    _drop(seal)
    assert _found(world, expected=noted) == (f"seals of shard {shard}", int(number), "missing")


def _found(world: World, **more: Any) -> tuple[str, int, str]:
    broken = _verify(world, **more)["broken"]
    return broken["where"], broken["number"], broken["fault"]


class Lambda:
    """The Lambda client of the operator's shell, which reaches the function of the test's world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - as boto3 names them
        assert FunctionName.endswith("verify_consents")
        answer = self.world.run("contacts.verify_consents", json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}


def test_the_command_tells_how_far_it_is_and_names_the_first_broken_entry(
    world: World, later: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "SECONDS", 0.0)  # so that each slice is one step
    contact_id, *_ = _sealed(world, later)
    lines: list[str] = []

    told = command.verify(Lambda(world), ACME, (), lines.append)

    assert command.report(told).startswith("whole: 3 contacts, ") and "\nseal " in command.report(told)
    assert len(lines) > 16 and lines[-1].endswith("3 contacts, 3 entries, 3 sealed")
    _drop(ledger.history(ACME, contact_id)[0])
    told = command.verify(Lambda(world), ACME, (), lines.append)
    assert command.report(told) == f"broken: {contact_id}, number 1: the entry is not there (missing)"
    with pytest.raises(operators.Refused, match="VALIDATION_ERROR"):
        command.verify(Lambda(world), ACME, ("rubbish",), lines.append)
