"""A contact's facts change between their read and the purchase that adds to them."""

import json
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.activity import interest, purchases
from drumbeat.activity.interest import Interest
from drumbeat.activity.purchases import Bought
from drumbeat.contacts import model
from drumbeat.contacts.model import Contact
from drumbeat.table import Transaction, TransactionRefused

from tests.meanwhile import appeared, changed, quicker, stored
from tests.world import World

TENANT = "ten_acme"


def bought(contact: Contact, *, days: int = 0) -> None:
    transaction = Transaction()
    at = clock.business() + timedelta(days=days)
    purchases.add_to_facts(transaction, contact, [Bought(100, at)], "USD")
    transaction.commit()


def person(world: World, **facts: Any) -> Contact:
    made = str(world.call("contacts.create_contact", body={"email": "ann@example.com"}).data["id"])
    if facts:
        changed(Contact.key(TENANT, made), **facts)
    return model.get(TENANT, made)


def test_purchases_of_one_currency_add_up(world: World) -> None:
    contact = person(world)
    for days in (0, 5, -5):
        bought(model.get(TENANT, contact.contact_id), days=days)

    assert (stored((contact.pk, contact.sk)) or {})["total_orders"] == 3


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"currency": "BDT"},
        {"last_purchase_at": "2999-01-01T00:00:00.000Z"},
        {"first_purchase_at": "2001-01-01T00:00:00.000Z"},
    ],
)
def test_facts_that_changed_in_a_way_that_matters_are_read_again(world: World, meanwhile: dict[str, str]) -> None:
    contact = person(world)
    changed((contact.pk, contact.sk), **meanwhile)

    with pytest.raises(TransactionRefused):
        bought(contact)


def test_a_purchase_of_nobody_is_refused(world: World) -> None:
    contact = person(world)
    contact.pk = Contact.key(TENANT, "con_gone")[0]

    with pytest.raises(TransactionRefused):
        bought(contact)


def test_two_who_declare_at_once_what_they_wait_for_both_hear_of_it(world: World) -> None:
    """The first two of a tenant, and two later ones."""
    key = Interest.key(TENANT)
    theirs = {"event": {"signed_in": ["jrn_theirs"]}}

    with quicker(key, appeared, Interest(*key, topics=theirs)):
        interest.declare(TENANT, "jrn_1", {"event": ["bought"]})
    assert interest.waited(TENANT) == {"signed_in", "bought"}

    with quicker(key, changed, topics=json.dumps(theirs)):
        interest.declare(TENANT, "jrn_2", {"event": ["left"]})
    assert interest.waited(TENANT) == {"signed_in", "left"}
