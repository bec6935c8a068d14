"""Dates that let contacts in: on which day, and when, a contact's turn comes."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from drumbeat import clock
from drumbeat.accounts.settings import Settings
from drumbeat.contacts.model import Contact
from drumbeat.journeys import timing
from drumbeat.segments import people
from drumbeat.segments.values import day_of, moment
from drumbeat.sends.local_time import instant
from drumbeat.sends.moment import places


class Turn(NamedTuple):
    """The day that a contact's date falls on this time (not the day before or after it that a journey names), and the
    moment at which it enters."""

    day: date
    at: datetime


def turn(source: Mapping[str, Any], contact: Contact, about: Settings) -> Turn | None:
    """The contact's turn in an enrolment, if it has one, by the clocks of its zone. Turns before `looked` were looked
    at the last time: they are those of contacts who have changed since (`changed`), which had come by then."""
    value = people.facts_of(contact, about, {}).value(source["date"]["attribute"])
    found = turn_of(source, value, places.of(contact, about.time_zone, None).zones[0])
    if found is None or "looked" not in source or found.at >= clock.parse(source["looked"]):
        return found
    is_new = contact.updated_at >= clock.parse(source["changed"]) and contact.created_at <= found.at
    return found if is_new else None


def turn_of(source: Mapping[str, Any], value: object, zone: str) -> Turn | None:
    """The turn of whoever has this date between `since` and `until` of an enrolment's source: when clocks of the zone
    show the time."""
    said, when = source["date"], moment(value)
    if when is None:
        return None
    since, until = clock.parse(source["since"]), clock.parse(source["until"])
    for day in _days(day_of(when, ZoneInfo(zone)), since, yearly=said["yearly"]):
        local = datetime.combine(day + timedelta(days=said["days"]), timing.clock_time(said["at"]))
        at = instant(local, zone)
        if since <= at < until:
            return Turn(day, at)
    return None


def _days(born: date, since: datetime, *, yearly: bool) -> Iterator[date]:
    if not yearly:
        yield born
        return
    yield from (timing.anniversary(born, since.year + more) for more in (-1, 0, 1))
