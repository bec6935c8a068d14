"""Counts of events by contact, event name and day."""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from drumbeat import table
from drumbeat.activity.model import RollUp


def day_of(at: datetime, zone: str) -> str:
    """The day (yyyy-mm-dd) in the tenant's zone when it happened."""
    return at.astimezone(ZoneInfo(zone)).date().isoformat()


def for_contact(tenant: str, contact_id: str, names: Iterable[str]) -> dict[str, dict[date, int]]:
    """Event name → day → how often, for these names; a name that never happened has no days."""
    pk = RollUp.partition(tenant, contact_id)
    return {
        name: {date.fromisoformat(row.day): row.total for row in table.rows(RollUp, pk, prefix=f"{name}#")}
        for name in dict.fromkeys(names)
    }


def between(tenant: str, contact_id: str, prefix: str, start: date, end: date) -> dict[str, dict[str, int]]:
    """Event name → day → how often, for names beginning with `prefix` and days from `start` to `end`, both included."""
    found: dict[str, dict[str, int]] = {}
    for row in table.rows(RollUp, RollUp.partition(tenant, contact_id), prefix=prefix):
        if start.isoformat() <= row.day <= end.isoformat():
            found.setdefault(row.name, {})[row.day] = row.total
    return found


def add_message(tenant: str, contact_id: str, name: str, day: str, message_ref: str) -> None:
    """Count a message under `email.opened`, `email.clicked`, … on a day: a union, so that twice changes nothing."""
    RollUp.change_at(*RollUp.key(tenant, contact_id, name, day), RollUp.refs.add({message_ref}))
