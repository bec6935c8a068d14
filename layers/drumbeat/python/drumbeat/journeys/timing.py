"""When a wait is over: local times and dates, in the recipient's zone, across changes of clocks."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from drumbeat.journeys.steps import UntilDate
from drumbeat.segments.behaviour import WEEKDAYS
from drumbeat.segments.values import Moment, day_of, moment
from drumbeat.sends.local_time import instant


class NoDate(ValueError):
    """The contact does not have the date that is waited for."""


def clock_time(text: str) -> time:
    return time.fromisoformat(text)


def next_local(at: str, weekdays: tuple[str, ...], now: datetime, zone: str) -> datetime:
    """The first moment from now on at which clocks of the zone show `at`, on one of these weekdays (none: any). Of a
    time that comes twice the first; instead of one that is skipped, the moment of the change."""
    today = now.astimezone(ZoneInfo(zone)).date()
    for days in range(15):
        day = today + timedelta(days=days)
        found = instant(datetime.combine(day, clock_time(at)), zone)
        if found >= now and (not weekdays or WEEKDAYS[day.weekday()] in weekdays):
            return found
    raise AssertionError("a fortnight has every weekday twice")


def until(said: UntilDate, value: object, now: datetime, zone: str) -> datetime:
    """When a wait until a date is over; it may have passed. Raises NoDate."""
    when = moment(value)
    if when is None:
        raise NoDate(f"the attribute {said.attribute} holds no date")
    if not said.yearly:
        return _offset(when, said, zone)
    today = now.astimezone(ZoneInfo(zone)).date()
    born = day_of(when, ZoneInfo(zone))
    turns = (_offset(anniversary(born, year), said, zone) for year in range(today.year - 2, today.year + 4))
    return next(turn for turn in turns if turn >= now)


def anniversary(born: date, year: int) -> date:
    """The day of a year; of 29 February, 28 February where there is none."""
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _offset(when: Moment, said: UntilDate, zone: str) -> datetime:
    """Whole days of an offset are days of the calendar, the rest is time."""
    days = timedelta(days=round(said.offset / timedelta(days=1)))
    if said.at is not None or not isinstance(when, datetime):
        local = datetime.combine(day_of(when, ZoneInfo(zone)), clock_time(said.at or "00:00"))
    else:
        local = (when if when.tzinfo is None else when.astimezone(ZoneInfo(zone))).replace(tzinfo=None)
    return instant(local + days, zone) + (said.offset - days)
