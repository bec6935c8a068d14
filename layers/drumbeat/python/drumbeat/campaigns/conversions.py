"""Purchases that follow a campaign: the last human click within the lookback window takes the credit.

pk                                    sk            gsi1pk  gsi1sk
CONVERSION#<tenant>#<campaign>        <event id>    -       -          one purchase
CONVERSION#<tenant>#event#<event id>  CAMPAIGN      -       -          whose it is: the first that took it, for ever

Both are written in one transaction, with the campaign's sums and the two events that tell of it. A purchase that is
told again finds the second, also when another click has become known in between.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pynamodb.attributes import JSONAttribute

from drumbeat import clock, queues, table
from drumbeat.accounts import settings
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline
from drumbeat.campaigns import economics
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.work import ATTRIBUTE, PurchaseMessage
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.events import outbox
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, Transaction, TransactionRefused, UnicodeAttribute

# Nobody may look further back: what a purchase reads of its contact's timeline.
MOST_LOOKBACK = timedelta(days=settings.MOST_LOOKBACK_DAYS)
# Seconds (real time) until a purchase is credited: a click is on its contact's timeline after 20 s at the latest.
PATIENCE = 60
# What crediting reads besides the settings.
READS = (Timeline, Campaign, Contact)


class Conversion(Entity):
    """A purchase credited to a campaign: once by campaign, once by event. `value` is in minor units of `currency`,
    `touches` are the campaigns whose links the customer followed within their windows, in the order of their first."""

    TYPE = "CONVERSION"
    LEDGER = True

    campaign = UnicodeAttribute(null=True)
    contact = UnicodeAttribute()
    value = NumberAttribute()
    currency = UnicodeAttribute(null=True)
    at = InstantAttribute()
    clicked_at = InstantAttribute()
    touches = JSONAttribute(null=True)

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"CONVERSION#{tenant}#{campaign_id}"

    @staticmethod
    def key_of_event(tenant: str, event_id: str) -> tuple[str, str]:
        """No campaign's id is `event`, whatever the event is called."""
        return f"CONVERSION#{tenant}#event#{event_id}", "CAMPAIGN"


WRITES = (Conversion, CampaignMoney)


class Touch(NamedTuple):
    """A campaign that a person followed links of: the first and the last time within its lookback window."""

    campaign: str
    first: datetime
    last: datetime


def credit(
    tenant: str, contact_id: str, event_id: str, value: int, at: datetime, currency: str | None = None
) -> str | None:
    """Credit a purchase to the campaign of the contact's last human click before it; the campaign that has it, or None.

    A purchase that a campaign has stays with it. `currency` is that of the value, the tenant's where it is not said.
    """
    touches = _touches(tenant, contact_id, at)
    if not touches:
        return None
    last = max(touches, key=lambda touch: touch.last)
    currency = currency or settings.of(tenant).currency
    said: dict[str, Any] = {
        "campaign": last.campaign, "contact": contact_id, "value": value, "currency": currency, "at": at,
        "clicked_at": last.last, "touches": [touch.campaign for touch in touches],
    }  # fmt: skip
    mark = Conversion(*Conversion.key_of_event(tenant, event_id), **said)
    row = Conversion(Conversion.partition(tenant, last.campaign), event_id, **said)
    transaction = Transaction().create(mark).create(row)
    economics.add_conversion(transaction, tenant, last.campaign, value, currency)
    for event_type, data in _told(tenant, event_id, row).items():
        transaction.create(outbox(event_type, tenant, event_id, at, data))
    try:
        transaction.commit()
    except TransactionRefused as refused:
        held = refused.found[0]
        return Conversion.from_raw_data(held).campaign if held else last.campaign
    return last.campaign


def _told(tenant: str, event_id: str, row: Conversion) -> dict[str, dict[str, Any]]:
    """The events of a conversion by type."""
    person = contacts.find(tenant, row.contact)
    customer = (person and person.external_id) or row.contact
    converted = frames.customer_converted(
        customer, row.campaign, "purchase", int(row.value), row.currency, list(row.touches)
    )
    return {
        "marketing.conversion.tracked": frames.conversion_tracked(converted, event_id, row.at, row.clicked_at),
        "marketing.customer.converted": converted,
    }


def credit_later(event: Mapping[str, Any]) -> None:
    """Put the purchase of a `contact.purchased` event on the queue, until a click before it must be known."""
    data, tenant = event["data"], event["metadata"]["tenant_id"]
    message = PurchaseMessage(
        tenant=tenant, contact=data["contact_id"], event=data["event_id"], value=int(data["value_minor"]),
        currency=data.get("currency"), at=clock.parse(data["occurred_at"]),
    )  # fmt: skip
    queues.send(ATTRIBUTE, tenant, [message.model_dump(mode="json")], delay=PATIENCE)


def _touches(tenant: str, contact_id: str, at: datetime) -> list[Touch]:
    """Whose links the person followed before a moment, within each campaign's lookback window, in the order of the
    first clicks. What is read is a minute old by then (`PATIENCE`)."""
    span = table.rows(
        Timeline,
        Timeline.partition(tenant, contact_id),
        start=clock.iso(at - MOST_LOOKBACK),
        end=clock.iso(at) + "~",
        consistent=False,
    )
    clicks = [row for row in span if row.name.endswith(".clicked") and row.campaign and not row.machine]
    windows = _windows(tenant, {row.campaign for row in clicks if row.campaign})
    found: dict[str, Touch] = {}
    for row in clicks:
        name = str(row.campaign)
        if at - row.at <= windows[name]:
            found[name] = Touch(name, found[name].first if name in found else row.at, row.at)
    return list(found.values())


def _windows(tenant: str, campaigns: Iterable[str]) -> dict[str, timedelta]:
    """The lookback window of each campaign: its own, or the tenant's."""
    usual = settings.of(tenant).lookback_days
    named = sorted(campaigns)
    found = {row.campaign_id: row for row in Campaign.many(Campaign.key(tenant, name) for name in named)}
    return {
        name: timedelta(days=int((found[name].lookback_days if name in found else None) or usual)) for name in named
    }
