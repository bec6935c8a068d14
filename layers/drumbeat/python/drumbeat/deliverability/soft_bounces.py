"""Soft bounces in a row: five without a delivery between them, and the address gets no more marketing.

pk                               sk             one set an address; only those that bounced softly have one
SOFTBOUNCE#<tenant>#<address>    SOFTBOUNCE

A set of `<time>#<message>`, so a report that comes twice, or late, changes nothing. Deliveries are on the contact's
timeline, and looked up only when five have come together.
"""

from collections.abc import Mapping
from datetime import datetime

from pynamodb.attributes import UnicodeSetAttribute

from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.contacts import addresses
from drumbeat.table import Entity

# As Notifuse does it, which other senders had asked for (its 30.2, issue 323).
IN_A_ROW = 5


class SoftBounces(Entity):
    """When the mails to an address bounced softly since it last took one, as far as anybody has looked."""

    TYPE = "SOFTBOUNCE"

    bounces = UnicodeSetAttribute(null=True)

    @staticmethod
    def key(tenant: str, address: str) -> tuple[str, str]:
        return f"SOFTBOUNCE#{tenant}#{addresses.claim(address)}", "SOFTBOUNCE"


def reached(tenant: str, address: str, contact: str, message: str, at: datetime) -> bool:
    """Note that a message bounced softly; whether it makes five in a row."""
    key = SoftBounces.key(tenant, address)
    after = SoftBounces.change_at(*key, SoftBounces.bounces.add({f"{clock.iso(at)}#{message}"}))
    entries = set(after.get("bounces", {}).get("SS", ()))
    if _messages(entries) < IN_A_ROW:
        return False
    over = {entry for entry in entries if entry.split("#")[0] < _last_delivery(tenant, contact, min(entries))}
    if over:
        SoftBounces.change_at(*key, SoftBounces.bounces.delete(over))
    return _messages(entries - over) >= IN_A_ROW


def counts(tenant: str, addressed: Mapping[str, str]) -> dict[str, int]:
    """{address: how many mails to it have bounced softly since it last took one}, for {address: its contact}; without
    those of none."""
    rows = {row.pk: row for row in SoftBounces.many(SoftBounces.key(tenant, one) for one in addressed)}
    found = {}
    for address, contact in addressed.items():
        row = rows.get(SoftBounces.key(tenant, address)[0])
        entries = set(row.bounces or ()) if row else set()
        if entries:
            last = _last_delivery(tenant, contact, min(entries))
            found[address] = _messages({entry for entry in entries if entry.split("#")[0] >= last})
    return {address: number for address, number in found.items() if number}


def _messages(entries: set[str]) -> int:
    return len({entry.partition("#")[2] for entry in entries})


def _last_delivery(tenant: str, contact: str, since: str) -> str:
    """When the contact last took a mail after `since`; empty when they did not."""
    start = since.split("#")[0]
    found = table.rows(Timeline, Timeline.partition(tenant, contact), start=start)
    return max((clock.iso(row.at) for row in found if row.name == "email.delivered"), default="")
