"""Changes of clocks all over the world, and what must hold of quiet hours around them."""

import itertools
import random
import zoneinfo
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from drumbeat.sends.moment import weeks
from drumbeat.sends.moment.weeks import Week

FIRST, LAST = datetime(2024, 1, 1, tzinfo=UTC), datetime(2031, 1, 1, tzinfo=UTC)
_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)
# Some begin or end with the day, and one is open for less time than clocks are changed by.
WEEKS = (
    weeks.daily(8 * 60, 21 * 60),
    weeks.daily(9 * 60, 20 * 60),
    weeks.daily(0, 20 * 60),
    weeks.daily(2 * 60 + 15, 2 * 60 + 45),
    weeks.daily(150, weeks.DAY),
    (*weeks.daily(9 * 60, 21 * 60)[:6], (12 * 60, 21 * 60)),
)


def names() -> list[str]:
    """Every zone of the IANA database."""
    return sorted(zoneinfo.available_timezones() - {"localtime", "Factory"})


def changes(name: str) -> Iterator[datetime]:
    """When clocks of a zone are changed, to the minute."""
    zone, at = ZoneInfo(name), FIRST
    while at < LAST:
        after = at + _DAY
        if at.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            low, high = at, after
            while high - low > _MINUTE:
                middle = low + (high - low) / 2
                same = middle.astimezone(zone).utcoffset() == at.astimezone(zone).utcoffset()
                low, high = (middle, high) if same else (low, middle)
            yield high.replace(second=0, microsecond=0)
        at = after


def around(change: datetime, chance: random.Random, number: int) -> list[datetime]:
    """Moments within a day and a half of a change: next to it, and anywhere."""
    near = [change + timedelta(minutes=minutes) for minutes in (-61, -1, 0, 1, 61)]
    return near + [change + timedelta(seconds=chance.randint(-130_000, 130_000)) for _ in range(number)]


def shown(at: datetime, name: str) -> tuple[int, int]:
    """Weekday and minute of the day on the wall."""
    here = at.astimezone(ZoneInfo(name))
    return here.weekday(), here.hour * 60 + here.minute


def broken(week: Week, zones: Sequence[str], asked: datetime) -> str | None:
    """What does not hold of the moment that is found for a message of `asked`; None when all does. Hours of several
    zones may have nothing in common."""
    found = weeks.opens_at(week, zones, asked)
    told = f"{week[0]} {week[6]} in {', '.join(zones)}: {asked} to {found}"
    if found is None:
        return f"{told}: never" if len(zones) == 1 else None
    if found < asked:
        return f"{told}: earlier than asked"
    for zone, at in itertools.product(zones, (found, found + weeks.ARRIVES)):
        day, minute = shown(at, zone)
        window = week[day]
        if window is None or not window[0] <= minute < window[1]:
            return f"{told}: in quiet hours of {zone}"
    if len(zones) == 1 and found - asked > _longest(week) + _DAY:
        return f"{told}: too late"
    return None


def _longest(week: Week) -> timedelta:
    """The longest time between two openings' hours, by clocks that nobody changes; one is often changed by an hour."""
    gaps = [
        weeks.DAY - (one[1] if one else 0) + (other[0] if other else weeks.DAY)
        for one, other in itertools.pairwise([*week, week[0]])
    ]
    return timedelta(minutes=max(gaps)) + timedelta(hours=1)
