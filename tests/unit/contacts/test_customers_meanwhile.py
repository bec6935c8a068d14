"""Two hear of the same customer at once: what one of them has read is not true any more when it writes."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.accounts.customer_system import CustomerSystem
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.claims import ContactAddress
from drumbeat.contacts.customers import applying, arriving, connecting, fetching, model, wanting
from drumbeat.contacts.customers.client import Failed
from drumbeat.contacts.customers.meaning import Told
from drumbeat.contacts.customers.model import Customer, State, Wish
from drumbeat.contacts.customers.profiles import Profile
from drumbeat.contacts.customers.wanting import NewWish

from tests.meanwhile import appeared, changed, quicker, stored
from tests.world import World

TENANT = "ten_acme"
C1 = Customer.key(TENANT, "c1")
EARLIER, NOW, LATER = (f"2026-03-0{day}T00:00:00.000Z#e{day}" for day in (1, 2, 3))
OVERDUE, FUTURE = "2020-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
FAILED = Failed("no answer")
SMS = {"sms": ["revoked", EARLIER]}


def customer(state: State = State.WANTED, **more: Any) -> Customer:
    """One of whom nothing is stored yet."""
    made = model.new(TENANT, "c1", state)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def kept(state: State = State.WANTED, **more: Any) -> Customer:
    made = customer(state, **more)
    made.create()
    return made


def now(name: str) -> Any:
    value: Any = (stored(C1) or {}).get(name)
    return json.loads(value) if name in ("said", "fields") else value


def told(**more: Any) -> Told:
    return Told(TENANT, "c1", NOW, **more)


@pytest.mark.parametrize(
    "act",
    [
        lambda row: fetching._later(TENANT, "c1", row, FAILED),
        lambda row: fetching._end(row, State.ABSENT, "no such customer"),
    ],
)
def test_who_became_known_meanwhile_stays_so(world: World, act: Callable[[Customer], None]) -> None:
    row = kept()

    with quicker(C1, changed, state="known"):
        act(row)

    assert (now("state"), now("gsi2pk")) == ("known", None)


@pytest.mark.parametrize(
    "act",
    [
        lambda: fetching._later(TENANT, "c1", None, FAILED),
        lambda: wanting._wanted(TENANT, "c1", None, is_number=False),
    ],
)
def test_a_customer_whom_two_meet_first_is_one_row(world: World, act: Callable[[], object]) -> None:
    with quicker(C1, appeared, customer(State.KNOWN, said=SMS)):
        assert not act()

    assert (now("state"), now("said")) == ("known", SMS)


def test_a_customer_whom_two_want_at_once_is_asked_for_once(world: World) -> None:
    row = kept(State.KNOWN)

    with quicker(C1, changed, state="wanted", tries=3):
        assert not wanting._wanted(TENANT, "c1", row, is_number=False)

    assert now("tries") == 3


def test_of_two_wishes_of_one_id_the_first_is_granted_and_waits_from_the_second_on(world: World) -> None:
    """One that is thirty days old may be there still, and about to be deleted."""
    key = Wish.key(TENANT, "c1", "event#e1")
    wanting._keep(TENANT, "c1", NewWish("event", "e1", {"amount": 1}))
    changed(key, ttl=1)

    wanting._keep(TENANT, "c1", NewWish("event", "e1", {"amount": 2}))

    wish = stored(key) or {}
    assert (wish["kind"], json.loads(wish["wanted"])) == ("event", {"amount": 1})
    assert clock.wall() < datetime.fromtimestamp(int(wish["ttl"]), UTC) <= clock.wall() + model.PATIENCE


@pytest.mark.parametrize("meanwhile", [{"gsi2sk": FUTURE}, {"gsi2pk": None, "gsi2sk": None, "state": "known"}])
def test_who_was_asked_for_meanwhile_is_not_asked_for_again(world: World, meanwhile: dict[str, Any]) -> None:
    """By another sweep; or the answer has come."""
    kept(gsi2pk=model.DUE, gsi2sk=OVERDUE)

    with quicker(C1, changed, **meanwhile):
        assert fetching.sweep() == 0

    assert now("gsi2sk") == meanwhile["gsi2sk"]


def test_who_is_known_is_not_asked_for_because_the_index_is_behind(world: World) -> None:
    kept(gsi2pk=model.DUE, gsi2sk=OVERDUE)

    with quicker(C1, changed, operation="BatchGetItem", gsi2pk=None, gsi2sk=None, state="known"):
        assert fetching.sweep() == 0

    assert now("gsi2sk") is None


def test_what_two_tell_of_a_contact_at_once_is_both_kept(world: World) -> None:
    world.call("contacts.create_contact", body={"email": "ann@example.com", "external_id": "c1"})

    with quicker(C1, appeared, customer(State.KNOWN, said=SMS)):
        assert applying.apply(told(profile=Profile({"first_name": "Ann"}))) == "updated"
    assert (now("said"), now("fields")) == (SMS, {"first_name": NOW})

    with quicker(C1, changed, fields=json.dumps({"first_name": NOW, "language": EARLIER})):
        assert applying.apply(told(profile=Profile({"last_name": "Lee"}))) == "updated"
    assert now("fields") == {"first_name": NOW, "language": EARLIER, "last_name": NOW}


def test_whoever_made_the_contact_meanwhile_is_the_customer(world: World) -> None:
    body = {"email": "ann@example.com"}

    def made(_: Any) -> None:
        world.call("contacts.create_contact", body=body)

    with quicker(ContactAddress.key(TENANT, "ann@example.com"), made):
        assert applying.apply(told(profile=Profile({"email": "ann@example.com"}))) == "updated"

    (only,) = world.call("contacts.list_contacts").data["items"]
    assert only["external_id"] == "c1"


def test_what_two_say_of_somebody_unknown_at_once_is_both_kept(world: World) -> None:
    with quicker(C1, appeared, customer(said=SMS)):
        assert applying.apply(told(said={"email": "revoked"})) == "unknown"
    assert now("said") == {**SMS, "email": ["revoked", NOW]}

    with quicker(C1, changed, said=json.dumps(SMS)):
        assert applying.apply(told(said={"push": "revoked"})) == "unknown"
    assert now("said") == {**SMS, "push": ["revoked", NOW]}


def test_a_consent_whose_channels_the_profile_knows_is_the_latest(world: World) -> None:
    with quicker(C1, appeared, customer(said=SMS)):
        arriving._await_channels(TENANT, "c1", told())
    assert (now("said"), now("granted")) == (SMS, NOW)

    changed(C1, granted=EARLIER)
    with quicker(C1, changed, granted=LATER):
        arriving._await_channels(TENANT, "c1", told())
    assert now("granted") == LATER


def test_whoever_connects_a_system_takes_no_other_setting_back(world: World) -> None:
    system = CustomerSystem(base_url="https://cx.acme.example", secrets_version=1)

    with quicker(Tenant.key(TENANT), changed, settings=json.dumps({"currency": "BDT"})):
        connecting._keep(TENANT, system)

    after = json.loads((stored(Tenant.key(TENANT)) or {})["settings"])
    assert (after["currency"], after["customer_system"]["base_url"]) == ("BDT", "https://cx.acme.example")
