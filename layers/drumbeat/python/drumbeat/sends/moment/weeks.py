"""Hours of a week in which messages may leave, and when they open. Pure.

A week has hours for each day from Monday on: minutes since midnight of the wall clock, from the first until before the
second, or None for a day without. Clocks that are changed need no rule of their own: a moment is allowed when clocks
show an hour that is, in each of the zones that somebody may be in.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat.accounts.moments import DAYS, minutes
from drumbeat.sends import local_time

Week = tuple[tuple[int, int] | None, ...]
DAY = 24 * 60
NEVER = datetime.max.replace(tzinfo=UTC)
# What leaves now is on the telephone a little later, and that is when it counts: a look at somebody is acted on within
# ten seconds, a call takes fifteen at most.
ARRIVES = timedelta(minutes=1)
# As far ahead as an opening is looked for: a week that opens on one day only has it by then, in any zone.
_AHEAD = 9


def hours(clock: int, past: int = 0) -> int:
    """Minutes since midnight."""
    return clock * 60 + past


def daily(opens: int, closes: int) -> Week:
    """The same hours on each day."""
    return ((opens, closes),) * 7


ALWAYS = daily(0, DAY)


def said(hours_by_day: Mapping[str, Mapping[str, str] | None] | None) -> Week:
    """The week that a tenant's hours (drumbeat.accounts.moments) leave open."""
    given = hours_by_day or {}
    return tuple(_day(given, day) for day in DAYS)


def _day(given: Mapping[str, Any], day: str) -> tuple[int, int] | None:
    if day not in given and "every_day" not in given:
        return 0, DAY
    window = given[day] if day in given else given["every_day"]
    return None if window is None else (minutes(window["opens"]), minutes(window["closes"]))


def both(weeks: Iterable[Week]) -> Week:
    """What all of them allow."""
    found = ALWAYS
    for week in weeks:
        found = tuple(_overlap(one, other) for one, other in zip(found, week, strict=True))
    return found


def _overlap(one: tuple[int, int] | None, other: tuple[int, int] | None) -> tuple[int, int] | None:
    if one is None or other is None:
        return None
    opens, closes = max(one[0], other[0]), min(one[1], other[1])
    return (opens, closes) if opens < closes else None


def is_open(week: Week, zones: Sequence[str], at: datetime) -> bool:
    """Whether a message may leave at `at`: it and its arrival are within the hours of every zone."""
    return all(_allows(week, zone, at) and _allows(week, zone, at + ARRIVES) for zone in zones)


def _allows(week: Week, zone: str, at: datetime) -> bool:
    here = at.astimezone(ZoneInfo(zone))
    window = week[here.weekday()]
    return window is not None and window[0] * 60 <= here.hour * 3600 + here.minute * 60 + here.second < window[1] * 60


def opens_at(week: Week, zones: Sequence[str], now: datetime) -> datetime | None:
    """The first moment from `now` on at which a message may leave; None when none comes: hours of zones that are too
    far apart share nothing. Where all are open they begin with the opening of one of them."""
    if week == ALWAYS or is_open(week, zones, now):
        return now
    days = [now.date() + timedelta(days=ahead) for ahead in range(-1, _AHEAD)]
    openings = {at for zone in dict.fromkeys(zones) for day in days for at in _openings(week, zone, day)}
    return next((at for at in sorted(openings) if at > now and is_open(week, zones, at)), None)


def _openings(week: Week, zone: str, day: date) -> Iterator[datetime]:
    """When the hours of a day begin in a zone; twice where clocks show that time twice."""
    window = week[day.weekday()]
    if window is None:
        return
    local = datetime.combine(day, time(*divmod(window[0], 60)))
    yield local_time.instant(local, zone)
    yield local.replace(tzinfo=ZoneInfo(zone), fold=1).astimezone(UTC)


def spread(week: Week, zones: Sequence[str], opening: datetime, delay: timedelta) -> datetime:
    """When somebody's message leaves who was held back until `opening`: so much later, or as much of it as the hours
    leave."""
    while delay > timedelta(seconds=1) and not is_open(week, zones, opening + delay):
        delay /= 2
    return opening + delay if is_open(week, zones, opening + delay) else opening
