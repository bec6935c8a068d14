"""Purchases that follow a campaign: the last human click within the lookback window takes the credit.

pk                                    sk            gsi1pk  gsi1sk
CONVERSION#<tenant>#<campaign>        <event id>    -       -          one purchase
CONVERSION#<tenant>#event#<event id>  CAMPAIGN      -       -          whose it is: the first that took it, for ever

Both are written in one transaction. A purchase that is told again finds the second, also when another click has
become known in between.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, queues, table
from drumbeat.activity.model import Timeline
from drumbeat.campaigns.work import ATTRIBUTE, PurchaseMessage
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, Transaction, TransactionRefused, UnicodeAttribute

# How long after a click a purchase counts, in business time; the usual default of e-mail tools.
LOOKBACK = timedelta(days=7)
# Seconds (real time) until a purchase is credited: a click is on its contact's timeline after 20 s at the latest.
PATIENCE = 60


class Conversion(Entity):
    """A purchase credited to a campaign: once by campaign, once by event. `value` is in minor units of the tenant's
    currency."""

    TYPE = "CONVERSION"
    LEDGER = True

    campaign = UnicodeAttribute(null=True)
    contact = UnicodeAttribute()
    value = NumberAttribute()
    at = InstantAttribute()
    clicked_at = InstantAttribute()

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"CONVERSION#{tenant}#{campaign_id}"

    @staticmethod
    def key_of_event(tenant: str, event_id: str) -> tuple[str, str]:
        """No campaign's id is `event`, whatever the event is called."""
        return f"CONVERSION#{tenant}#event#{event_id}", "CAMPAIGN"


def credit(tenant: str, contact_id: str, event_id: str, value: int, at: datetime) -> str | None:
    """Credit a purchase to the campaign of the contact's last human click before it; the campaign that has it, or None.

    A purchase that a campaign has stays with it.
    """
    click = _last_click(tenant, contact_id, at)
    if click is None or not click.campaign:
        return None
    said: dict[str, Any] = {
        "campaign": click.campaign,
        "contact": contact_id,
        "value": value,
        "at": at,
        "clicked_at": click.at,
    }
    mark = Conversion(*Conversion.key_of_event(tenant, event_id), **said)
    row = Conversion(Conversion.partition(tenant, click.campaign), event_id, **said)
    try:
        Transaction().create(mark).create(row).commit()
    except TransactionRefused as refused:
        held = refused.found[0]
        return Conversion.from_raw_data(held).campaign if held else click.campaign
    return click.campaign


def credit_later(event: Mapping[str, Any]) -> None:
    """Put the purchase of a `contact.purchased` event on the queue, until a click before it must be known."""
    data, tenant = event["data"], event["metadata"]["tenant_id"]
    message = PurchaseMessage(
        tenant=tenant, contact=data["contact_id"], event=data["event_id"], value=int(data["value_minor"]),
        at=clock.parse(data["occurred_at"]),
    )  # fmt: skip
    queues.send(ATTRIBUTE, tenant, [message.model_dump(mode="json")], delay=PATIENCE)


def _last_click(tenant: str, contact_id: str, at: datetime) -> Timeline | None:
    span = table.rows(
        Timeline,
        Timeline.partition(tenant, contact_id),
        start=clock.iso(at - LOOKBACK),
        end=clock.iso(at) + "~",
        newest_first=True,
    )
    return next((row for row in span if row.name == "email.clicked" and not row.machine), None)


def of(tenant: str, campaign_id: str) -> tuple[int, int]:
    """How many purchases a campaign brought, and their worth in minor units."""
    found = list(table.rows(Conversion, Conversion.partition(tenant, campaign_id)))
    return len(found), sum(int(row.value) for row in found)
