"""Opt-outs of addresses that no contact got: of rows that are rejected, of endpoints for which a person has no room.

The address is suppressed, so whoever has it, now or after a later row, gets nothing: in whatever order rows come.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from drumbeat import clock
from drumbeat.contacts import suppressions
from drumbeat.contacts.batch import Outcome
from drumbeat.contacts.imports.said import Said

_CHANNELS = {"email": "email", "phone": "sms"}


class OptOut(NamedTuple):
    """An address that wants nothing more, since when, and who says so."""

    address: str
    at: datetime
    source: str | None


def keep(tenant: str, said: Said, outcome: Outcome | None) -> int:
    """Suppress the addresses of a row that opted out and that no contact got; gives how many. `outcome` is None for a
    row that could not be written. Repeating it is harmless. Reads and writes Suppression."""
    found = list(_unheld(said, outcome))
    for one in found:
        suppressions.suppress(tenant, one.address, "marketing", "unsubscribed", one.source, one.at)
    return len(found)


def _unheld(said: Said, outcome: Outcome | None) -> Iterator[OptOut]:
    for name, channel in _CHANNELS.items():
        statement = (said.values.get("consent") or {}).get(channel) or {}
        if statement.get("status") != "revoked":
            continue
        written = outcome is not None and outcome.what != "rejected" and outcome.field != name
        address = said.left_addresses.get(name) or (None if written else said.values.get(name))
        if address:
            yield OptOut(address, clock.parse(statement["at"]), statement.get("source"))
