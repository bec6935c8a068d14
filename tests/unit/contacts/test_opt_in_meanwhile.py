"""Two are at the same request to confirm at once: what one of them has read is not true any more when it writes."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts import model
from drumbeat.contacts.ledger import NO_EVIDENCE
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import asking, confirming, lapsing, request_rows, rules
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.feedback import confirmation_mails

from tests.meanwhile import appeared, changed, quicker, stored, vanished
from tests.world import World

TENANT, ANN = "ten_acme", "ann@example.com"
PAST, FUTURE = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
SECRET = b"s" * 16
KEY = OptIn.key(TENANT, rules.address_key(TENANT, ANN))


def contact(world: World) -> Contact:
    made = str(world.call("contacts.create_contact", body={"email": ANN}).data["id"])
    waits = {"email": {"status": "pending", "at": PAST, "source": "form", "method": "web"}}
    row = model.get(TENANT, made)
    row.change(Contact.consent.set(waits))
    return row


def asked(contact_id: str, state: str = "sent", **more: Any) -> OptIn:
    mails = [{"token": rules.hashed(SECRET), "at": PAST, "expires_at": FUTURE, "outcome": "sending"}]
    row = OptIn(
        *KEY, tenant=TENANT, contact=contact_id, state=state, requested_at=clock.business(), mails=mails,
        gsi2pk="DUE#confirmations#0", gsi2sk=PAST, **more,
    )  # fmt: skip
    row.create()
    return row


def state() -> Any:
    return (stored(KEY) or {}).get("state")


def test_a_mail_that_was_noted_meanwhile_is_no_doubt(world: World) -> None:
    row = asked("con_1", "sending")

    with quicker(KEY, changed, state="sent"):
        lapsing.doubt(row)

    assert state() == "sent"


def test_a_request_that_was_confirmed_meanwhile_does_not_expire(world: World) -> None:
    row = asked(contact(world).contact_id)

    with quicker(KEY, changed, state="confirmed", gsi2sk=None, gsi2pk=None):
        lapsing.expire(row, clock.business())

    assert state() == "confirmed"


def test_a_request_that_was_erased_meanwhile_is_not_confirmed(world: World) -> None:
    person = contact(world)
    row = asked(person.contact_id)
    token = rules.token(rules.Token(TENANT, row.address_key, SECRET))
    link = confirming.follow(token)
    assert link is not None and link.standing(clock.business()) == "open"

    with quicker(KEY, vanished):
        after = confirming.confirm(link, token, clock.business(), NO_EVIDENCE)

    assert (after.standing(clock.business()), stored(KEY)) == ("over", None)


@pytest.mark.parametrize("known", [False, True])
def test_two_that_ask_an_address_at_once_ask_once(world: World, known: bool) -> None:
    person = contact(world)
    if known:
        asked(person.contact_id, "expired")
        changed(KEY, mails="[]")
    one = request_rows.Asked(TENANT, person.contact_id, ANN, "second", None, clock.business(), timedelta(days=2))
    first: dict[str, Any] = {"state": "due", "source": "first"}
    theirs = OptIn(*KEY, tenant=TENANT, contact=person.contact_id, requested_at=clock.business(), **first)

    with quicker(KEY, changed, **first) if known else quicker(KEY, appeared, theirs):
        table.retried(lambda: asking._ask_alone(one))

    assert (state(), (stored(KEY) or {})["source"]) == ("due", "first")


def test_outcomes_of_two_mails_at_once_are_both_noted(world: World) -> None:
    row = asked("con_1", "sending")

    with quicker(KEY, changed, state="confirmed"):
        table.retried(lambda: confirmation_mails._noted(row, rules.hashed(SECRET)[:8], "sent", None))

    assert state() == "confirmed"
