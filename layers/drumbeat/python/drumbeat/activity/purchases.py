"""The facts that a contact keeps from its purchases: worth, number of orders, the first and the last one.

The average order's value is derived. All are changed in the transaction of the events' markers, so they count exactly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from drumbeat import clock
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.table import Transaction


@dataclass(frozen=True, slots=True)
class Bought:
    """An order that counts: its worth in minor units of the tenant's currency, and when."""

    value: int
    at: datetime


def add_to_facts(transaction: Transaction, contact: Contact, orders: Sequence[Bought], currency: str) -> None:
    """Put the change of one contact's facts into a transaction.

    It is refused when the contact is gone (nothing found), or when its facts changed in a way that matters since it was
    read: it began to count in another currency, or has an earlier first or a later last purchase.
    """
    first, last = min(order.at for order in orders), max(order.at for order in orders)
    cls = Contact
    actions = [
        cls.lifetime_value.add(sum(order.value for order in orders)),
        cls.total_orders.add(len(orders)),
        cls.currency.set(currency),
    ]
    condition = cls.pk.exists() & (cls.currency.does_not_exist() | (cls.currency == currency))
    if contact.first_purchase_at is None or first < contact.first_purchase_at:
        actions.append(cls.first_purchase_at.set(first))
        condition &= cls.first_purchase_at.does_not_exist() | (cls.first_purchase_at > first)
    if contact.last_purchase_at is None or last > contact.last_purchase_at:
        actions.append(cls.last_purchase_at.set(last))
        condition &= cls.last_purchase_at.does_not_exist() | (cls.last_purchase_at < last)
    transaction.update(Contact, contact.pk, contact.sk, actions, condition)


def published(row: Timeline, contact_id: str, order: Bought, currency: str) -> Timeline:
    """The timeline row of an order that counts, as the event `contact.purchased`: the contexts above credit it."""
    row.event_type = "contact.purchased"
    row.bus = 1
    row.data = {
        "contact_id": contact_id,
        "event_id": row.event_id,
        "value_minor": order.value,
        "currency": currency,
        "occurred_at": clock.iso(order.at),
    }
    return row


def remember(contact: Contact, orders: Sequence[Bought], currency: str) -> None:
    """Bring the copy that was read to what was written, so that our own write does not refuse the next one."""
    contact.currency = currency
    contact.first_purchase_at = min(filter(None, (contact.first_purchase_at, *(order.at for order in orders))))
    contact.last_purchase_at = max(filter(None, (contact.last_purchase_at, *(order.at for order in orders))))
