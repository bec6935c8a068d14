"""Two change the same contact at once: what one of them has read is not true any more when it writes."""

import json
from typing import Any

import pytest
from drumbeat import clock, ids, table
from drumbeat.contacts import batch, changes, consent, ledger, model, seals, suppressions
from drumbeat.contacts.claims import ContactAddress
from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import slices
from drumbeat.contacts.imports.model import Import
from drumbeat.contacts.imports.views import NewImport
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.contacts.views import NewContact
from drumbeat.table import Transaction, TransactionRefused

from tests.meanwhile import appeared, changed, quicker, stored, vanished
from tests.world import World

TENANT = "ten_acme"
GRANTED = {"email": {"status": "granted", "source": "form", "method": "web"}}


def ann(world: World, **more: Any) -> str:
    body = {"email": "ann@example.com", "attributes": {"plan": "basic"}, "consent": GRANTED, **more}
    return str(world.call("contacts.create_contact", body=body).data["id"])


def bare() -> str:
    """A contact that an older version wrote, or a restored one: nothing says which write was its last."""
    made = "con_00000000000000000000000001"
    key = Contact.key(TENANT, made)
    now = clock.business()
    table.put_many(
        [
            Contact(
                *key, gsi1pk=Contact.partition_of(TENANT, made), gsi1sk=made, tenant=TENANT, contact_id=made,
                created_at=now, updated_at=now,
            )
        ]
    )  # fmt: skip
    return made


def update(world: World, contact: str, **body: Any) -> Any:
    return world.call("contacts.update_contact", path={"contact_id": contact}, body=body)


@pytest.mark.parametrize("said", [{}, {"email": "new@example.com"}])
@pytest.mark.parametrize("made", [ann, lambda world: bare()])
def test_two_changes_at_once_both_stay(world: World, made: Any, said: dict[str, str]) -> None:
    """One that also moves a claim is a transaction, one that does not is not."""
    contact = made(world)

    with quicker(Contact.key(TENANT, contact), changed, attributes=json.dumps({"city": "Dhaka"})):
        after = update(world, contact, attributes={"size": "M"}, **said).data

    assert after["attributes"] == {"city": "Dhaka", "size": "M"}


@pytest.mark.parametrize("said", [{"first_name": "Ann"}, {"email": "new@example.com"}])
def test_who_is_deleted_meanwhile_does_not_come_back(world: World, said: dict[str, str]) -> None:
    contact = bare()

    with quicker(Contact.key(TENANT, contact), vanished):
        assert update(world, contact, **said).status == 404

    assert stored(Contact.key(TENANT, contact)) is None


def test_an_opt_out_that_comes_while_its_contact_is_deleted_is_kept(world: World) -> None:
    contact = ann(world)
    revoked = json.dumps({"email": {"status": "revoked", "at": clock.iso(clock.business())}})

    with quicker(Contact.key(TENANT, contact), changed, consent=revoked):
        world.call("contacts.delete_contact", path={"contact_id": contact})

    assert suppressions.find(TENANT, "ann@example.com") is not None


def test_statements_of_two_channels_at_once_both_stand(world: World) -> None:
    contact = ann(world)
    both = {
        "email": {"status": "granted", "at": clock.iso(clock.business())},
        "push": {"status": "revoked", "at": "2026"},
    }

    with quicker(Contact.key(TENANT, contact), changed, consent=json.dumps(both)):
        body = {"channel": "sms", "status": "granted", "source": "form"}
        world.call("contacts.record_consent", path={"contact_id": contact}, body=body)

    held = json.loads((stored(Contact.key(TENANT, contact)) or {})["consent"])
    assert {channel: one["status"] for channel, one in held.items()} == {
        "email": "granted", "push": "revoked", "sms": "granted"
    }  # fmt: skip


def test_a_bounce_that_comes_with_a_new_consent_still_counts(world: World) -> None:
    contact = ann(world)
    now = clock.business()
    suppressions.suppress(TENANT, "ann@example.com", "marketing", "unsubscribed", None, now)
    key = Suppression.key(TENANT, "ann@example.com")

    with quicker(key, changed, reason="hard_bounce"):
        body = {"channel": "email", "status": "granted", "source": "form"}
        world.call("contacts.record_consent", path={"contact_id": contact}, body=body)

    assert (stored(key) or {})["reason"] == "hard_bounce"


def test_an_opt_out_that_is_told_twice_at_once_is_one(world: World) -> None:
    """The second one finds the first on record, and its contact as it was before."""
    contact = ann(world)
    at = clock.business()
    facts: dict[str, Any] = {"channel": "email", "method": "link"}
    facts |= dict.fromkeys(("reason", "source", "campaign", "send"))
    key = Unsubscribe.key(TENANT, contact, at, "cause")
    first = Unsubscribe(
        *key, gsi1pk="UNSUBSCRIBES#", gsi1sk="1", contact=contact, at=at, **{**facts, "reason": "too many"}
    )

    with quicker(key, appeared, first):
        told = consent._revoke(TENANT, contact, facts, at, "cause", ledger.NO_EVIDENCE)

    assert told.reason == "too many"


def test_what_another_contact_claims_is_not_freed(world: World) -> None:
    ann(world)
    row = ContactAddress(*ContactAddress.key(TENANT, "ann@example.com"), contact="con_other")
    transaction = Transaction()
    changes.free(transaction, [row], "con_other")

    with pytest.raises(TransactionRefused):
        transaction.commit()


def test_a_claim_that_is_lost_does_not_hold_up_a_deletion(world: World) -> None:
    contact = ann(world)
    vanished(ContactAddress.key(TENANT, "ann@example.com"))

    assert world.call("contacts.delete_contact", path={"contact_id": contact}).status == 200


def test_a_wider_suppression_replaces_a_narrower_one_only(world: World) -> None:
    """Whatever is written between the read and the write."""
    now = clock.business()
    key = Suppression.key(TENANT, "ann@example.com")
    bounced = suppressions.build(TENANT, "ann@example.com", "all", "hard_bounce", "SES", now)

    with quicker(key, appeared, bounced):
        suppressions.suppress(TENANT, "ann@example.com", "marketing", "unsubscribed", None, now)
    assert (stored(key) or {})["reason"] == "hard_bounce"
    suppressions.suppress(TENANT, "ann@example.com", "all", "complaint", None, now)
    assert (stored(key) or {})["reason"] == "hard_bounce"

    changed(key, scope="marketing", reason="unsubscribed")
    suppressions.suppress(TENANT, "ann@example.com", "all", "complaint", None, now)
    assert (stored(key) or {})["reason"] == "complaint"


def test_a_suppression_that_is_no_manual_one_any_more_stays(world: World) -> None:
    suppressions.suppress(TENANT, "ann@example.com", "marketing", "manual", None, clock.business())
    key = Suppression.key(TENANT, "ann@example.com")

    with quicker(key, changed, reason="complaint"):
        reply = world.call("contacts.delete_suppression", path={"address": "ann@example.com"})

    assert (reply.status, (stored(key) or {})["reason"]) == (409, "complaint")


def test_an_entry_that_was_redacted_meanwhile_keeps_its_moment(world: World) -> None:
    contact = ann(world)
    (entry,) = (row for row in table.rows(Entry, Entry.partition(TENANT, contact)))
    then = clock.parse("2026-01-01T00:00:00Z")

    with quicker((entry.pk, entry.sk), changed, who=None, redacted_at=then):
        assert ledger.redact(TENANT, contact, clock.business()) == 0

    assert (stored((entry.pk, entry.sk)) or {})["redacted_at"] == clock.iso(then)


def test_two_that_seal_at_once_make_one_seal(world: World) -> None:
    ann(world)
    later = clock.business() + 2 * seals.SETTLED * clock.SCALE
    (made,) = seals.seal(TENANT, later)
    vanished((made.pk, made.sk))
    first = seals.Seal(made.pk, made.sk, until=made.until, entries=made.entries, sealed_at=made.sealed_at, hash=b"1")

    with quicker((made.pk, made.sk), appeared, first):
        (told,) = seals.seal(TENANT, later)

    assert told.hash == b"1"


def imported(world: World) -> str:
    made = world.call("contacts.create_import", body={"file_name": "people.csv"}).data
    return str(made["id"])


def test_an_import_that_somebody_else_started_is_read_as_they_said(world: World) -> None:
    row = Import.fetch(*Import.key(TENANT, imported(world)))
    assert row is not None
    changed((row.pk, row.sk), state="running", delimiter=";")

    imports._queue(row, 10, None)

    assert row.state == "running"


def test_a_slice_that_another_run_has_done_is_not_counted_again(world: World) -> None:
    row = Import.fetch(*Import.key(TENANT, imported(world)))
    assert row is not None
    for meanwhile in ({"state": "running", "offset": 100}, {"state": "failed", "offset": 0}):
        changed((row.pk, row.sk), **meanwhile)
        slices._try(row, Import.created.set(7), state="running")

    assert (stored((row.pk, row.sk)) or {}).get("created") != 7


def test_an_import_with_which_somebody_went_on_just_now_gets_no_second_machine(world: World) -> None:
    key = Import.key(TENANT, imported(world))
    changed(key, state="running", gsi2pk="DUE#imports#0", gsi2sk="2020-01-01T00:00:00.000Z")

    with quicker(key, changed, gsi2sk="2999-01-01T00:00:00.000Z"):
        world.run("contacts.sweep_imports", {})

    assert (stored(key) or {})["runs"] == 0


def test_a_row_that_is_written_again_leaves_what_it_made(world: World) -> None:
    """Its first try has succeeded, and nobody heard of it."""
    row = batch.Incoming(ids.new("con"), {"first_name": "Ann"})
    batch.write(TENANT, [row], now=clock.business())
    changed(Contact.key(TENANT, row.contact_id), first_name="Anne")

    batch.write(TENANT, [row], now=clock.business())

    assert (stored(Contact.key(TENANT, row.contact_id)) or {})["first_name"] == "Anne"


def test_a_row_whose_address_somebody_gets_meanwhile_is_theirs(world: World) -> None:
    ben = world.call("contacts.create_contact", body={"first_name": "Ben"}).data["id"]
    claim = ContactAddress(*ContactAddress.key(TENANT, "ann@example.com"), contact=ben)

    def gets_it(key: tuple[str, str]) -> None:
        appeared(key, claim)
        changed(Contact.key(TENANT, ben), email="ann@example.com")

    with quicker((claim.pk, claim.sk), gets_it):
        batch.write(TENANT, [batch.Incoming(ids.new("con"), {"email": "ann@example.com"})], now=clock.business())

    assert (stored((claim.pk, claim.sk)) or {})["contact"] == ben


def test_a_contact_that_is_made_again_is_the_stored_one(world: World) -> None:
    made = ann(world)

    again = model.add(TENANT, NewContact(first_name="Other"), now=clock.business(), contact_id=made)

    assert again.email == "ann@example.com"


def test_an_import_that_is_asked_for_again_is_the_stored_one(world: World) -> None:
    made = imported(world)

    again = imports.add(TENANT, NewImport(file_name="other.csv"), import_id=made, actor="x", now=clock.business())

    assert again.file_name == "people.csv"


def test_a_contact_that_was_deleted_is_not_made_again(world: World) -> None:
    made = ann(world)
    world.call("contacts.delete_contact", path={"contact_id": made})

    with pytest.raises(model.ContactDeleted):
        new = NewContact.model_validate({"email": "ann@example.com", "consent": GRANTED})
        model.add(TENANT, new, now=clock.business(), contact_id=made)


def test_an_address_that_somebody_gets_meanwhile_is_theirs(world: World) -> None:
    key = ContactAddress.key(TENANT, "ann@example.com")

    with quicker(key, appeared, ContactAddress(*key, contact="con_other")):
        reply = world.call("contacts.create_contact", body={"email": "ann@example.com"})

    assert (reply.status, (stored(key) or {})["contact"]) == (409, "con_other")
