"""What we know of customers besides their contacts.

pk                               sk                gsi2pk             gsi2sk
CUSTOMER#<tenant>#<customer>     CUSTOMER          DUE#customers#0    <wall time>    while its profile is to be read
CUSTOMER#<tenant>#<customer>     WISH#<wish id>    -                  -              what waits for the contact

A customer is named by the id that the other system has for it: the contact's external id.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute
from pynamodb.expressions.update import Action

from drumbeat import clock
from drumbeat.contacts.model import CompactJSON
from drumbeat.declare import Queue
from drumbeat.fields import Message
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

DUE = "DUE#customers#0"
# How long something waits for a contact that the other system may never have had.
PATIENCE = timedelta(days=30)


class State(StrEnum):
    WANTED = "wanted"
    KNOWN = "known"
    ABSENT = "absent"
    GIVEN_UP = "given_up"


class Customer(Entity):
    """What was told of a customer, and what is to be asked. `fields` says for each field (`profile` for all that were
    told together) until which moment it was told, as `place`; `said` what the person said of a channel, as
    [status, place]. While it is `wanted`, `tries` counts requests that failed, `reason` says why the last one did, and
    `granted` is the place of a consent whose channels only the profile knows."""

    TYPE = "CUSTOMER"
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    customer = UnicodeAttribute()
    is_number = BooleanAttribute(null=True)
    state = UnicodeAttribute()
    fields = CompactJSON(default=dict)
    said = CompactJSON(default=dict)
    granted = UnicodeAttribute(null=True)
    tries = NumberAttribute(default=0)
    reason = UnicodeAttribute(null=True)
    asked_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, customer: str) -> tuple[str, str]:
        return f"CUSTOMER#{tenant}#{customer}", "CUSTOMER"


class Wish(Entity):
    """Something that waits for a customer to become a contact: an event to record (`event`), a segment to join
    (`segment`). `wanted` is what whoever made it needs to go on."""

    TYPE = "CUSTOMER"

    kind = UnicodeAttribute()
    wanted = CompactJSON()
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, customer: str, wish_id: str) -> tuple[str, str]:
        return f"CUSTOMER#{tenant}#{customer}", f"WISH#{wish_id}"


class CustomersMessage(Message):
    """Customers whose profiles are to be read, with `refresh` also of those whom we have; or one event of the bus, as
    `arriving` has read it."""

    tenant: str
    customers: list[str] = []
    refresh: bool = False
    event: dict[str, Any] | None = None


CUSTOMERS = Queue("customers")
# In one message; a request to the other system has as many at most.
MOST_IDS = 100


def new(tenant: str, customer: str, state: State, *, is_number: bool = False) -> Customer:
    return Customer(
        *Customer.key(tenant, customer), tenant=tenant, customer=customer, is_number=is_number or None,
        state=state.value,
    )  # fmt: skip


def find(tenant: str, customer: str) -> Customer | None:
    return Customer.fetch(*Customer.key(tenant, customer))


def place(at: datetime, cause: str) -> str:
    """Where something that was told stands in time: places sort as what they are of. Of two things of one moment, the
    one with the greater id of its event came later: which is as good as any order, and always the same."""
    return f"{clock.iso(at)}#{cause}"


def moment(place_: str) -> datetime:
    return clock.parse(place_.partition("#")[0])


def later(place_: str, held: Mapping[str, Any], name: str) -> bool:
    """Whether something that was told at this place is newer than what was told of it before."""
    return place_ > str(held.get(name) or "")


def due(at: datetime) -> list[Action]:
    """Actions that put a customer among those whom the sweep looks at; `at` is wall time."""
    return [Customer.gsi2pk.set(DUE), Customer.gsi2sk.set(clock.iso(at))]


def not_due() -> list[Action]:
    return [Customer.gsi2pk.remove(), Customer.gsi2sk.remove()]
