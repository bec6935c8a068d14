"""Consent, opt-outs and suppressions: silence is no consent, and taking it back works at once."""

from datetime import timedelta

from drumbeat import clock
from drumbeat.contacts import batch, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import NewContact
from drumbeat.table import Entity
from pytest import raises

from tests.world import World

GRANTED = {"email": {"status": "granted", "source": "form"}}
GETIT = "/api/v1/marketing/email-campaigns"


def _contact(world: World, **said: object) -> str:
    return str(world.call("contacts.create_contact", body={"email": "ann@example.com", **said}).data["id"])


def _reason(contact_id: str, channel: str = "email") -> str | None:
    contact = contacts.get("ten_acme", contact_id)
    address = consent.address_of(contact, channel)
    return consent.may_market(contact, channel, suppressions.find("ten_acme", address) if address else None)


def test_who_may_get_marketing(world: World) -> None:
    contact_id = _contact(world)
    assert _reason(contact_id) == "no_consent"
    assert _reason(contact_id, "sms") == "no_address"

    path = {"contact_id": contact_id}
    said = {"channel": "email", "status": "granted", "source": "form", "method": "double_opt_in"}
    after = world.call("contacts.record_consent", path=path, body=said).data
    assert after["consent"]["email"]["method"] == "double_opt_in"
    assert _reason(contact_id) is None

    world.call("contacts.record_consent", path=path, body={"channel": "email", "status": "revoked"})
    assert _reason(contact_id) == "revoked"


def test_a_suppressed_address_gets_nothing_whatever_its_case(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)

    world.call("contacts.create_suppression", body={"address": "ANN@Example.com", "reason": "complaint"})

    assert _reason(contact_id) == "suppressed:complaint"


def test_a_statement_older_than_the_last_is_refused(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)
    old = {"channel": "email", "status": "revoked", "at": "2001-01-01T00:00:00Z"}

    reply = world.call("contacts.record_consent", path={"contact_id": contact_id}, body=old)

    assert (reply.status, reply.body["error_code"]) == (409, "CONSENT_IS_NEWER")
    assert _reason(contact_id) is None


def test_unsubscribing_revokes_and_is_listed_once(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)

    for _ in range(2):
        reply = world.call("contacts.create_unsubscribe", body={"email": "Ann@example.com", "reason": "too_frequent"})
        assert reply.status == 201
        assert (reply.data["contact_id"], reply.data["reason"]) == (contact_id, "too_frequent")

    assert _reason(contact_id) == "revoked"
    listed = world.call("contacts.list_unsubscribes").data
    assert (listed["total_count"], len(listed["items"])) == (1, 1)
    assert listed["items"][0]["method"] == "api"
    assert world.call("contacts.list_unsubscribes", query={"channel": "sms"}).data["total_count"] == 0
    assert world.call("contacts.list_unsubscribes", tenant="globex").data["total_count"] == 0


def test_the_same_click_counts_once_even_after_a_new_consent(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)
    clicked = clock.business()

    def click() -> None:
        contact = contacts.get("ten_acme", contact_id)
        consent.revoke(
            "ten_acme", contact, "email", reason=None, method="one_click", source="snd_1", at=clicked, cause="snd_1",
            campaign="cmp_1", send="snd_1",
        )  # fmt: skip

    click()
    said = {"channel": "email", "status": "granted"}
    world.call("contacts.record_consent", path={"contact_id": contact_id}, body=said)
    click()  # the queue brought it twice

    assert _reason(contact_id) is None
    listed = world.call("contacts.list_unsubscribes").data
    assert [(row["campaign_id"], row["send_id"]) for row in listed["items"]] == [("cmp_1", "snd_1")]


def test_an_unknown_address_that_unsubscribes_gets_nothing_when_it_comes(world: World) -> None:
    for _ in range(2):
        assert world.call("contacts.create_unsubscribe", body={"email": "ANN@example.com"}).data["contact_id"] is None

    contact_id = _contact(world, consent=GRANTED)

    assert _reason(contact_id) == "suppressed:unsubscribed"
    assert world.call("contacts.list_unsubscribes").data["total_count"] == 1
    later = {"channel": "email", "status": "granted", "method": "double_opt_in"}
    world.call("contacts.record_consent", path={"contact_id": contact_id}, body=later)
    assert _reason(contact_id) is None


def test_consent_does_not_lift_a_bounce(world: World) -> None:
    contact_id = _contact(world)
    suppressions.suppress("ten_acme", "ann@example.com", "all", "hard_bounce", "ses", clock.business())

    world.call(
        "contacts.record_consent", path={"contact_id": contact_id}, body={"channel": "email", "status": "granted"}
    )

    assert _reason(contact_id) == "suppressed:hard_bounce"


def test_an_opt_out_survives_deleting_and_importing_again(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)
    world.call("contacts.create_unsubscribe", body={"email": "ann@example.com"})
    world.call("contacts.delete_contact", path={"contact_id": contact_id})

    again = _contact(world, consent=GRANTED)

    assert _reason(again) == "suppressed:unsubscribed"


def test_the_wider_scope_wins_and_the_first_reason_stays(world: World) -> None:
    now = clock.business()
    for scope, reason in (
        ("marketing", "complaint"),
        ("marketing", "manual"),
        ("all", "hard_bounce"),
        ("marketing", "manual"),
    ):
        held = suppressions.suppress("ten_acme", "Ann@example.com", scope, reason, None, now)  # type: ignore[arg-type]
        now += timedelta(seconds=1)

    assert (held.scope, held.reason) == ("all", "hard_bounce")
    assert world.call("contacts.list_suppressions").data["total_count"] == 1


def test_suppressions_are_listed_looked_up_and_removed(world: World) -> None:
    world.call("contacts.create_suppression", body={"address": "a@example.com"})
    world.call("contacts.create_suppression", body={"address": "+8801712345678", "scope": "all", "reason": "invalid"})

    assert world.call("contacts.list_suppressions").data["total_count"] == 2
    only = world.call("contacts.list_suppressions", query={"reason": "manual"}).data
    assert [(row["address"], row["scope"]) for row in only["items"]] == [("a@example.com", "marketing")]
    for asked in ("+8801712345678", " 8801712345678"):
        assert world.call("contacts.get_suppression", path={"address": asked}).data["reason"] == "invalid"
    assert world.call("contacts.get_suppression", path={"address": "A@example.com"}, tenant="globex").status == 404
    assert world.call("contacts.get_suppression", path={"address": "nobody"}).status == 422
    assert world.call("contacts.create_suppression", body={"address": "nobody"}).refused == ["address"]

    kept = world.call("contacts.delete_suppression", path={"address": "+8801712345678"})
    assert (kept.status, kept.body["error_code"]) == (409, "SUPPRESSION_NOT_MANUAL")
    path = {"address": "+8801712345678"}
    assert world.call("contacts.delete_suppression", path=path, query={"force": "true"}).status == 200
    assert world.call("contacts.delete_suppression", path={"address": "A@example.com"}).status == 200
    assert world.call("contacts.delete_suppression", path={"address": "a@example.com"}).status == 404
    assert world.call("contacts.list_suppressions").data["items"] == []


def test_the_documented_unsubscribe(world: World) -> None:
    contact_id = _contact(world, consent=GRANTED)
    body = {"email": "ann@example.com", "reason": "too_frequent"}

    reply = world.call("contacts.create_unsubscribe", route=f"POST {GETIT}/unsubscribe", body=body)

    assert reply.status == 200
    assert {name: reply.body[name] for name in ("email", "status", "reason")} == {
        "email": "ann@example.com", "status": "unsubscribed", "reason": "too_frequent",
    }  # fmt: skip
    listed = world.call("contacts.list_unsubscribes", route=f"GET {GETIT}/unsubscribes").body
    assert listed["total_count"] == 1
    assert listed["unsubscribes"][0]["contact_id"] == contact_id
    assert listed["unsubscribes"][0]["reason"] == "too_frequent"
    assert _reason(contact_id) == "revoked"


def test_recipients_that_a_request_names_become_contacts_with_consent_unless_revoked(world: World) -> None:
    gone = _contact(world, consent={"email": {"status": "revoked"}})
    rows = [
        NewContact(email="Ann@example.com", first_name="Ann"),
        NewContact(email="bob@example.com", first_name="Bob"),
        NewContact(email="BOB@example.com", last_name="Lee"),
    ]

    for _ in range(2):
        found = batch.upsert_named("ten_acme", rows, now=clock.business())

    assert [contact.contact_id for contact in found] == [gone, found[1].contact_id, found[1].contact_id]
    assert (found[1].first_name, found[1].last_name) == ("Bob", "Lee")
    assert found[1].consent["email"]["method"] == "api"
    assert _reason(gone) == "revoked"
    assert _reason(found[1].contact_id) is None
    assert world.call("contacts.list_contacts").data["total_count"] == 2


def test_revoking_needs_a_contact_that_exists(world: World) -> None:
    from drumbeat.errors import NotFound

    ghost = contacts.Contact(tenant="ten_acme", contact_id="con_01JD0000000000000000000000")
    assert isinstance(ghost, Entity)
    with raises(NotFound):
        consent.revoke(
            "ten_acme", ghost, "email", reason=None, method="page", source=None, at=clock.business(), cause="x"
        )
