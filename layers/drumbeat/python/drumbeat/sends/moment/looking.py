"""Whether this is the right moment for a message to somebody, looked at with each claim."""

import hashlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from drumbeat import clock
from drumbeat.contacts import preferences
from drumbeat.contacts.model import Contact
from drumbeat.sends.model import Chunk, Outcome, Send
from drumbeat.sends.moment import packs, places, terms, weeks
from drumbeat.sends.moment.places import Place
from drumbeat.sends.moment.weeks import Week

# Why somebody waits.
QUIET, FULL = "quiet_hours", "frequency_cap"
# With a zone on record the person may be in that one only.
NOWHERE_OPEN = "there is no hour in all zones that this number may be in: give the contact a time_zone"


class Look(NamedTuple):
    """What becomes of a message: it may leave, or it has an `outcome` (`note` says more), or it waits `until` then."""

    outcome: Outcome | None = None
    note: str | None = None
    until: datetime | None = None


NOW = Look()


def look(send: Send, chunk: Chunk, number: int, person: Contact, now: datetime) -> Look:
    """What is transactional may always leave. Marketing does not go to who has paused it or refuses its category, nor
    in quiet hours."""
    said = send.moment or {}
    if (not said and not person.preferences) or not terms.binds(send):
        return NOW
    paused = preferences.paused_until(person)
    if paused is not None and paused > now:
        return Look(Outcome.PAUSED)
    if preferences.refuses(person, send.category):
        return Look(Outcome.CATEGORY)
    return _in_hours(send, chunk, number, person, now) if "hours" in said else NOW


def _in_hours(send: Send, chunk: Chunk, number: int, person: Contact, now: datetime) -> Look:
    said = send.moment
    place = places.of(person, said["zone"], said["country"])
    week = week_of(send.channel, said["hours"], place)
    held = held_since(chunk, number)
    last = min((held or now) + timedelta(seconds=int(said["hold"])), send.expires_at or weeks.NEVER)
    if weeks.is_open(week, place.zones, now):
        return Look(Outcome.STALE) if held and now > last else NOW
    if send.quiet == "drop":
        return Look(Outcome.QUIET_HOURS)
    opening = weeks.opens_at(week, place.zones, now)
    if opening is None:
        return Look(Outcome.QUIET_HOURS, NOWHERE_OPEN)
    if opening >= last:
        return Look(Outcome.STALE)
    over = min(timedelta(seconds=int(said["spread"])), last - opening)
    return Look(until=weeks.spread(week, place.zones, opening, over * _share(chunk)))


def week_of(channel: str, hours: dict[str, Any], place: Place) -> Week:
    """What the rules of all countries that may bind and the tenant's own hours allow together."""
    found = [weeks.said(hours["hours"])]
    found += [weeks.said(hours["countries"][country]) for country in place.countries if country in hours["countries"]]
    if hours["country_rules"]:
        rules = [packs.of(channel, country, place.state) for country in place.countries or (None,)]
        found += [pack.week for pack in rules if pack is not None]
    return weeks.both(found)


def _share(chunk: Chunk) -> float:
    """From nothing to all of the time over which what was held back leaves: another one for each chunk, always the
    same. So an opening is no burst."""
    digest = hashlib.blake2b("#".join(map(str, chunk.place)).encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32


# What a chunk keeps of those who wait: {"since": …, "quiet_hours": {until: [numbers]}, "frequency_cap": {…}}.


def noted(chunk: Chunk, waiting: dict[int, tuple[str, datetime]], now: datetime) -> Any:
    """The change of `Chunk.waiting` when these wait from now on. `since` is when quiet hours first held one back whom
    they hold back still."""
    if not waiting:
        return Chunk.waiting.remove()
    found: dict[str, Any] = {}
    for number, (why, until) in sorted(waiting.items()):
        found.setdefault(why, {}).setdefault(clock.iso(until), []).append(number)
    if QUIET in found:
        since = [held_since(chunk, number) or now for number, (why, _) in waiting.items() if why == QUIET]
        found["since"] = clock.iso(min(since))
    return Chunk.waiting.set(found)


def held_since(chunk: Chunk, number: int) -> datetime | None:
    """Since when quiet hours have held somebody back; None for who was not."""
    held = chunk.waiting or {}
    return clock.parse(held["since"]) if any(number in them for them in held.get(QUIET, {}).values()) else None


def waits(chunk: Chunk, now: datetime) -> dict[int, tuple[str, datetime]]:
    """Who of a chunk waits now: why, and until when."""
    if not chunk.waiting:
        return {}
    return {
        number: (why, until)
        for why in (QUIET, FULL)
        for written, numbers in chunk.waiting.get(why, {}).items()
        if (until := clock.parse(written)) > now
        for number in numbers
        if chunk.outcomes[number] == Outcome.TO_DO
    }
