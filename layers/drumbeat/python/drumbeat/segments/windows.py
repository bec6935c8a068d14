"""Conditions that time alone can change: windows of calendar days and anniversaries.

Each rule knows for a value the local days on which it may begin or cease to hold, which is what lets a contact be
looked at again at the right midnight instead of every day.
"""

from calendar import isleap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from drumbeat.segments.values import LAST_YEAR, Moment, day_of, days_later, moment

MAX_DAYS: Final = 36_500
MAX_ANNIVERSARY: Final = 366
MAX_AGE: Final = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """Local days that may change a result. From the day `until` on there may be more that are not listed."""

    days: tuple[date, ...] = ()
    until: date | None = None


NEVER = Changes()


@dataclass(frozen=True, slots=True)
class Relative:
    test: Callable[[object, date, ZoneInfo], bool]
    changes: Callable[[object, date, ZoneInfo], Changes]


def merge(parts: Iterable[Changes]) -> Changes:
    found = list(parts)
    untils = [part.until for part in found if part.until is not None]
    return Changes(tuple({day for part in found for day in part.days}), min(untils, default=None))


def relative(name: str, days: int) -> Relative:
    return _BY_DAYS[name](days)


def _window(holds: Callable[[int], bool], *edges: int) -> Relative:
    """A rule on the age of a value in days (negative in the future) that flips when the age reaches an edge."""

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        when = moment(found)
        return when is not None and holds((today - day_of(when, zone)).days)

    def changes(found: object, today: date, zone: ZoneInfo) -> Changes:
        when = moment(found)
        return NEVER if when is None else Changes(tuple(days_later(day_of(when, zone), edge) for edge in edges))

    return Relative(test, changes)


def _within_days(days: int) -> Relative:
    return _window(lambda age: 0 <= age < days, 0, days)


def _within_next_days(days: int) -> Relative:
    return _window(lambda age: -days < age <= 0, 1 - days, 1)


def _older_than_days(days: int) -> Relative:
    return _window(lambda age: age >= days, days)


def _anniversary_within_days(days: int) -> Relative:
    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        birthday = _birthday(found, zone)
        return birthday is not None and any(
            birthday.year_after < year and 0 <= (birthday.in_year(year) - today).days < days
            for year in (today.year, today.year + 1)
        )

    def changes(found: object, today: date, zone: ZoneInfo) -> Changes:
        birthday = _birthday(found, zone)
        first = max(today.year, birthday.year_after + 1) if birthday else 0
        if birthday is None or first > LAST_YEAR:
            return NEVER
        occurrences = [birthday.in_year(year) for year in (first, first + 1, first + 2)]
        listed = tuple(days_later(day, edge) for day in occurrences for edge in (1 - days, 1))
        # The window of the fourth occurrence opens at most 365 days before its own year.
        return Changes(listed, until=date(first + 2, 1, 1))

    return Relative(test, changes)


def age_between(youngest: int, oldest: int) -> Relative:
    """Completed years since a day, which are one more from each of its anniversaries on."""

    def edges(when: Moment, zone: ZoneInfo) -> tuple[date, date] | None:
        """The first day on which the rule holds, and the first on which it does not any more."""
        day = day_of(when, zone)
        if day.year + oldest + 1 > LAST_YEAR:
            return None
        born = _Birthday(day.month, day.day, day.year)
        return born.in_year(day.year + youngest), born.in_year(day.year + oldest + 1)

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        when = moment(found)
        span = edges(when, zone) if when else None
        return span is not None and span[0] <= today < span[1]

    def changes(found: object, today: date, zone: ZoneInfo) -> Changes:
        when = moment(found)
        span = edges(when, zone) if when else None
        return NEVER if span is None else Changes(span)

    return Relative(test, changes)


_BY_DAYS: Final = {
    "within_days": _within_days,
    "within_next_days": _within_next_days,
    "older_than_days": _older_than_days,
    "anniversary_within_days": _anniversary_within_days,
}
RELATIVE: Final = frozenset({*_BY_DAYS, "age_between"})


@dataclass(frozen=True, slots=True)
class _Birthday:
    month: int
    day: int
    year_after: int
    """The first anniversary is in a later year than this."""

    def in_year(self, year: int) -> date:
        """29 February is kept on the 28th in other years."""
        leapling = self.month == 2 and self.day == 29 and not isleap(year)
        return date(year, self.month, 28 if leapling else self.day)


def _birthday(found: object, zone: ZoneInfo) -> _Birthday | None:
    """From a date, or from a month and day without a year ("05-17", or "--05-17" as vCard writes it)."""
    if isinstance(found, str) and len(found) in (len("05-17"), len("--05-17")):
        when = moment(f"2000-{found.removeprefix('--')}")
        return _Birthday(when.month, when.day, 0) if when else None
    when = moment(found)
    if when is None:
        return None
    day = day_of(when, zone)
    return _Birthday(day.month, day.day, day.year)
