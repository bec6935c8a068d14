"""Events become rows: each once, whatever comes twice, in whatever order and beside whatever else.

Several events share a transaction: an event's marker (its key must be free), its timeline row, its day's roll-up, and
for an order its marker and the contact's facts. When a transaction is refused, what was refused tells which events were
duplicates, which orders were counted before and whose contact changed; the rest is written without them.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drumbeat.activity import interest, purchases
from drumbeat.activity.model import Event, Order, RollUp, event_row
from drumbeat.activity.purchases import Bought
from drumbeat.activity.rules import Purchase
from drumbeat.contacts.model import Contact
from drumbeat.errors import Unavailable
from drumbeat.table import MOST_IN_TRANSACTION, Transaction, TransactionRefused

# Marker, timeline row, roll-up, order, contact: the most actions that one event may need.
MOST_OF_AN_EVENT = 5


@dataclass(slots=True)
class Pending:
    """A well-formed event of a known contact, on its way into the table; `day` is the tenant's.

    At the end `status` is recorded, duplicate or rejected, and `reason` says why, or what of a purchase did not count.
    """

    event_id: str
    contact_id: str
    name: str
    at: datetime
    day: str
    properties: dict[str, Any]
    purchase: Purchase | None = None
    status: str | None = None
    reason: str | None = None

    @property
    def order_id(self) -> str | None:
        return self.purchase.order_id if self.purchase else None


@dataclass(slots=True)
class _Write:
    """One transaction, and what its actions with a condition stand for."""

    events: list[Pending]
    transaction: Transaction = field(default_factory=Transaction)
    markers: dict[int, Pending] = field(default_factory=dict)
    orders: dict[int, str] = field(default_factory=dict)
    facts: dict[int, tuple[str, list[Bought]]] = field(default_factory=dict)


class Recorder:
    """Writes the events of one request. `contacts` are the stored contacts by id, as they were just read."""

    def __init__(self, tenant: str, currency: str, contacts: Iterable[Contact]) -> None:
        self.tenant, self.currency = tenant, currency
        self.contacts = {contact.contact_id: contact for contact in contacts}
        self.counted: set[str] = set()
        self.waited = interest.waited(tenant)

    def record(self, events: Sequence[Pending]) -> None:
        """Settle every event; their ids must differ. Raises Unavailable when others never let go of their contacts."""
        left = list(events)
        for _ in range(50 + 2 * len(left)):
            if not left:
                return
            write = self._write(list(self._group(left)))
            try:
                write.transaction.commit()
            except TransactionRefused as refused:
                self._learn(write, refused)
            else:
                self._settle(write)
            left = [one for one in left if one.status is None]
        raise Unavailable("The contacts of these events are being changed by others. Send the same events again.")

    def _group(self, left: Sequence[Pending]) -> Iterator[Pending]:
        """As many events as a transaction surely holds; of the events of one order only the first."""
        orders: set[str] = set()
        for many in range(1, len(left) + 1):
            if many * MOST_OF_AN_EVENT > MOST_IN_TRANSACTION and not _fits(left[:many]):
                return
            order_id = left[many - 1].order_id
            if order_id is None or order_id in self.counted or order_id not in orders:
                yield left[many - 1]
            if order_id is not None:
                orders.add(order_id)

    def _bought(self, one: Pending) -> Bought | None:
        """What the event adds to its contact's facts; its `reason` says why that is less than it seems."""
        if one.purchase is None:
            return None
        if one.purchase.currency != self.currency or self.contacts[one.contact_id].currency not in (
            None,
            self.currency,
        ):
            one.reason = "currency_differs"
            return None
        if one.order_id in self.counted:
            one.reason = "order_already_counted"
            return None
        one.reason = "value_missing" if one.purchase.value is None else None
        return Bought(one.purchase.value or 0, one.at)

    def _write(self, events: list[Pending]) -> _Write:
        write = _Write(events)
        transaction = write.transaction
        days: Counter[tuple[str, str, str]] = Counter()
        bought: dict[str, list[Bought]] = {}
        for one in events:
            write.markers[len(transaction)] = one
            key = Event.key(self.tenant, one.event_id)
            transaction.create(Event(*key, contact_id=one.contact_id, at=one.at))
            order = self._bought(one)
            row = event_row(
                self.tenant, one.contact_id, one.event_id, one.name, one.at, one.properties, self.waited
            )  # fmt: skip
            transaction.put(row if order is None else purchases.published(row, one.contact_id, order, self.currency))
            days[one.contact_id, one.name, one.day] += 1
            if order is None:
                continue
            bought.setdefault(one.contact_id, []).append(order)
            if one.order_id is not None:
                write.orders[len(transaction)] = one.order_id
                transaction.create(self._order(one, one.order_id, order))
        for (contact_id, name, day), many in days.items():
            key = RollUp.key(self.tenant, contact_id, name, day)
            transaction.update(RollUp, *key, [RollUp.times.add(many)])
        for contact_id, orders in bought.items():
            write.facts[len(transaction)] = (contact_id, orders)
            purchases.add_to_facts(transaction, self.contacts[contact_id], orders, self.currency)
        return write

    def _order(self, one: Pending, order_id: str, order: Bought) -> Order:
        return Order(
            *Order.key(self.tenant, order_id), contact_id=one.contact_id, event_id=one.event_id, at=one.at,
            value=order.value, currency=self.currency,
        )  # fmt: skip

    def _settle(self, write: _Write) -> None:
        for one in write.events:
            one.status = "recorded"
        self.counted.update(write.orders.values())
        for contact_id, orders in write.facts.values():
            purchases.remember(self.contacts[contact_id], orders, self.currency)

    def _learn(self, write: _Write, refused: TransactionRefused) -> None:
        """Settle what the refusal settles, and keep what the next transaction must know."""
        for place, found in enumerate(refused.found):
            if found is None:
                continue
            if place in write.markers:
                write.markers[place].status = "duplicate"
                write.markers[place].reason = None
            elif place in write.orders:
                self.counted.add(write.orders[place])
            elif place in write.facts and found:
                contact = Contact.from_raw_data(found)
                self.contacts[contact.contact_id] = contact
            elif place in write.facts:
                self._gone(write.events, write.facts[place][0])

    def _gone(self, events: Iterable[Pending], contact_id: str) -> None:
        for one in events:
            if one.contact_id == contact_id and one.status is None:
                one.status, one.reason = "rejected", "unknown_contact"


def _fits(events: Sequence[Pending]) -> bool:
    days = {(one.contact_id, one.name, one.day) for one in events}
    buyers = [one.contact_id for one in events if one.purchase]
    return 2 * len(events) + len(days) + len(buyers) + len(set(buyers)) <= MOST_IN_TRANSACTION
