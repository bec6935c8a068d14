"""A withdrawal that the customer system tells while a send is under way: nothing goes out behind it."""

import json
from datetime import timedelta
from typing import Any

from drumbeat import clock
from drumbeat.contacts.model import Contact, ContactExternalId
from drumbeat.sends import delivering

from tests.customer_system import ACCOUNT, TOKEN
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_in_time import READS, after, slow
from tests.unit.sends.test_limits import hooked, people

# Reads of a claimed chunk before its call: the account, the recipients, whom of them nothing may be sent to.
CHECKED = 3


def customers(shop: Clocked, number: int) -> None:
    """The shop's people are customers c0, c1, … of a connected system."""
    body = {"base_url": "https://cx.acme.example", "token": TOKEN, "events_account": ACCOUNT}
    assert shop.world.call("contacts.set_customer_system", body=body).status == 200
    for place in range(number):
        contact_id = f"con_{place:026d}"
        Contact.change_at(*Contact.key(TENANT, contact_id), Contact.external_id.set(f"c{place}"))
        ContactExternalId(*ContactExternalId.key(TENANT, f"c{place}"), contact=contact_id).create()


def revoked(shop: Clocked, customer: str) -> None:
    at = clock.iso(clock.business() + timedelta(seconds=1))
    data = {"id": customer}
    event: dict[str, Any] = {
        "type": "customer.consent.revoked", "customer": customer, "place": f"{at}#e1", "data": data
    }  # fmt: skip
    message = {"tenant": TENANT, "event": event}
    records = [{"messageId": "m1", "body": json.dumps(message), "attributes": {}}]
    assert shop.world.run("contacts.read_customers", {"Records": records}) == {"batchItemFailures": []}


def test_who_withdraws_between_two_chunks_is_not_in_the_second(clocked: Clocked) -> None:
    clocked.people(4)
    customers(clocked, 4)
    made = clocked.planned(chunk=2)
    first, second = clocked.chunks(made)
    delivering.look_at(first.place)
    revoked(clocked, "c1")
    revoked(clocked, "c2")
    delivering.look_at(second.place)

    assert sorted(clocked.mails.addresses()) == people(0, 1, 3)
    assert [chunk.outcomes for chunk in clocked.chunks(made)] == ["aa", "va"]


def test_who_withdraws_while_the_worker_is_slow_is_not_sent_to(clocked: Clocked) -> None:
    clocked.people(3)
    customers(clocked, 3)
    made = clocked.planned(chunk=3)
    with hooked(READS, after(CHECKED, slow(clocked), lambda: revoked(clocked, "c1"))):
        delivering.look_at(clocked.chunks(made)[0].place)

    assert sorted(clocked.mails.addresses()) == people(0, 2)
