"""Purchases that follow a campaign: the last human click within the lookback window takes the credit.

pk                                    sk            gsi1pk  gsi1sk
CONVERSION#<tenant>#<campaign>        <event id>    -       -          one purchase; a purchase that is told twice is
one row
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

# How long after a click a purchase counts, in business time; the usual default of e-mail tools.
LOOKBACK = timedelta(days=7)


class Conversion(Entity):
    """A purchase credited to a campaign. `value` is in minor units of the tenant's currency."""

    TYPE = "CONVERSION"
    LEDGER = True

    contact = UnicodeAttribute()
    value = NumberAttribute()
    at = InstantAttribute()
    clicked_at = InstantAttribute()

    @staticmethod
    def partition(tenant: str, campaign_id: str) -> str:
        return f"CONVERSION#{tenant}#{campaign_id}"


def credit(tenant: str, contact_id: str, event_id: str, value: int, at: datetime) -> str | None:
    """Credit a purchase to the campaign of the contact's last human click before it; the campaign, or None."""
    click = _last_click(tenant, contact_id, at)
    if click is None or not click.campaign:
        return None
    row = Conversion(
        Conversion.partition(tenant, click.campaign),
        event_id,
        contact=contact_id,
        value=value,
        at=at,
        clicked_at=click.at,
    )
    try:
        row.create()
    except ConditionFailed:
        return click.campaign
    return click.campaign


def credit_event(event: Mapping[str, Any]) -> str | None:
    """Credit the purchase of a `contact.purchased` event."""
    data = event["data"]
    return credit(
        event["metadata"]["tenant_id"],
        data["contact_id"],
        data["event_id"],
        int(data["value_minor"]),
        clock.parse(data["occurred_at"]),
    )


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
