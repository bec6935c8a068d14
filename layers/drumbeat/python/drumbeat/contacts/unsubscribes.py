"""Who asked for no more messages, when, how and why.

pk                                sk              gsi1pk                              gsi1sk
UNSUBSCRIBE#<tenant>#<contact>    <at>#<cause>         UNSUBSCRIBES#<tenant>#<channel>    <at>
UNSUBSCRIBE#<tenant>#<address>    ADDRESS#<channel>    the same: an address that no contact has
"""

from datetime import datetime
from typing import Self

from pydantic import model_validator

from drumbeat import clock, table
from drumbeat.contacts.views import CHANNELS, Channel, Email, Phone
from drumbeat.fields import Body, FieldNeeded, Instant, Listing, Name, View
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index


class Unsubscribe(Entity):
    """One opt-out. `cause` is what brought it about (a send's id, a request's), so that it counts once.

    `bus` = 1: it goes on the bus; that of a mail does so with its message. `customer` is the contact's external id.
    """

    TYPE = "UNSUBSCRIBE"
    LEDGER = True
    INDEX_TYPES = {"gsi1": "UNSUBSCRIBES"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    channel = UnicodeAttribute()
    contact = UnicodeAttribute(null=True)
    address = UnicodeAttribute(null=True)
    reason = UnicodeAttribute(null=True)
    method = UnicodeAttribute(null=True)
    source = UnicodeAttribute(null=True)
    campaign = UnicodeAttribute(null=True)
    send = UnicodeAttribute(null=True)
    customer = UnicodeAttribute(null=True)
    bus = NumberAttribute(null=True)
    at = InstantAttribute()

    @staticmethod
    def partition(tenant: str, contact_id: str) -> str:
        return f"UNSUBSCRIBE#{tenant}#{contact_id}"

    @staticmethod
    def key(tenant: str, contact_id: str, at: datetime, cause: str) -> tuple[str, str]:
        return Unsubscribe.partition(tenant, contact_id), f"{clock.iso(at)}#{cause}"

    @staticmethod
    def key_of_address(tenant: str, address: str, channel: str) -> tuple[str, str]:
        return Unsubscribe.partition(tenant, address), f"ADDRESS#{channel}"

    @staticmethod
    def listing(tenant: str, channel: str) -> str:
        return f"UNSUBSCRIBES#{tenant}#{channel}"


class NewUnsubscribe(Body):
    """Who wants no more e-mail, or no more text messages, and why."""

    email: Email | None = None
    phone: Phone | None = None
    reason: Name | None = None

    @model_validator(mode="after")
    def _one_address(self) -> Self:
        if self.email is None and self.phone is None:
            raise FieldNeeded("email", "is needed, or phone: who wants no more messages")
        if self.email is not None and self.phone is not None:
            raise FieldNeeded("phone", "is another wish than that of email; send two requests")
        return self


class UnsubscribeView(View):
    """An opt-out; `contact_id` is null for an address that no contact has."""

    address: str | None
    contact_id: str | None
    channel: str
    reason: str | None
    method: str | None
    campaign_id: str | None
    send_id: str | None
    at: Instant


class UnsubscribeQuery(Listing):
    """Filters of the list."""

    channel: Channel | None = None


def last(tenant: str, contact_id: str, channel: str) -> Unsubscribe | None:
    """The latest opt-out of a contact from a channel."""
    found = table.rows(Unsubscribe, Unsubscribe.partition(tenant, contact_id), newest_first=True)
    return next((row for row in found if row.channel == channel), None)


def partitions(tenant: str, channel: str | None) -> list[str]:
    """The index partitions that list opt-outs."""
    return [Unsubscribe.listing(tenant, name) for name in ((channel,) if channel else CHANNELS)]


def total(listed: list[str]) -> int:
    return sum(table.count(partition, number=1) for partition in listed)


def view(row: Unsubscribe) -> UnsubscribeView:
    return UnsubscribeView(
        address=row.address,
        contact_id=row.contact,
        channel=row.channel,
        reason=row.reason,
        method=row.method,
        campaign_id=row.campaign,
        send_id=row.send,
        at=row.at,
    )
