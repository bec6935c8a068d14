"""Sending in each recipient's time zone: when a local time is, and which zone somebody is in.

`Send.local` is {"at": a local date-time, "passed": "next_day" or "at_once", "time_zone": for those of unknown zone}.
"""

import functools
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat.contacts.model import Contact

# The first and the last zone of a day (Pacific/Kiritimati, and AoE of IEEE 802.16).
FIRST, LAST = timedelta(hours=14), timedelta(hours=-12)
# So long before the first zone's time a send is launched: it has to be planned, and a schedule may fire late.
LEAD = timedelta(minutes=30)
# That of a change of clocks.
LONGEST_DAY = timedelta(hours=25)
_DAY, _SECOND = timedelta(days=1), timedelta(seconds=1)


def instant(local: datetime, zone: str) -> datetime:
    """When clocks of the zone show `local` (naive), in UTC. Of a time that comes twice the first; instead of one that
    is skipped, the first moment after it."""
    place = ZoneInfo(zone)
    found = local.replace(tzinfo=place, fold=0).astimezone(UTC)
    if found.astimezone(place).replace(tzinfo=None) == local:
        return found
    # Skipped: seen from behind the gap it is before the change, from before the gap behind it.
    early, late = local.replace(tzinfo=place, fold=1).astimezone(UTC), found
    before = early.astimezone(place).utcoffset()
    while late - early > _SECOND:
        middle = (early + (late - early) / 2).replace(microsecond=0)
        if middle.astimezone(place).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late


def starts(local: datetime) -> datetime:
    """When to launch, so that the first zone gets it at this local time."""
    return (local - FIRST - LEAD).replace(tzinfo=UTC)


def ends(local: datetime) -> datetime:
    """When the last zone has this local time."""
    return (local - LAST).replace(tzinfo=UTC)


def due_at(said: dict[str, Any], contact: Contact | None, launched_at: datetime) -> datetime:
    """When a contact gets a send with `Send.local`: at its local time; if that had passed at launch, at once or on the
    next day that has it to come."""
    local = datetime.fromisoformat(said["at"])
    moment = _moment(local, contact, said["time_zone"])
    if moment >= launched_at:
        return moment
    if said["passed"] == "at_once":
        return launched_at
    days = (launched_at - moment) // _DAY
    later = (_moment(local + _DAY * (days + more), contact, said["time_zone"]) for more in range(3))
    return next(moment for moment in later if moment >= launched_at)


def _moment(local: datetime, contact: Contact | None, default: str) -> datetime:
    if contact is not None and contact.time_zone:
        return instant(local, contact.time_zone)
    moments = {instant(local, zone) for zone in zones_of(_country(contact))}
    return moments.pop() if len(moments) == 1 else instant(local, default)


def _country(contact: Contact | None) -> str | None:
    if contact is None:
        return None
    return contact.country or (_of_number(contact.phone) if contact.phone else None)


@functools.lru_cache(maxsize=4096)
def _of_number(phone: str) -> str | None:
    import phonenumbers  # its metadata is heavy: only contacts without zone and country pay for it

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(phone))
    except phonenumbers.NumberParseException:
        return None


def zones_of(country: str | None) -> tuple[str, ...]:
    """The zones of a country (ISO 3166 alpha-2); somebody there is known to be in one only if all have one time."""
    return _zones().get(country or "", ())


@functools.cache
def listed() -> frozenset[str]:
    """Every zone that is some country's."""
    return frozenset(zone for zones in _zones().values() for zone in zones)


@functools.cache
def _zones() -> dict[str, tuple[str, ...]]:
    """Countries' zones as the IANA database lists them (zone.tab)."""
    listed = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text(encoding="utf-8")
    found: dict[str, tuple[str, ...]] = {}
    for line in listed.splitlines():
        if not line.startswith("#"):
            country, _, zone = line.split("\t")[:3]
            found[country] = (*found.get(country, ()), zone)
    return found
