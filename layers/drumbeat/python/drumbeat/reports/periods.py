"""The periods of reports: days of the account's time zone."""

from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from drumbeat.errors import Invalid
from drumbeat.fields import Body

USUAL_DAYS, MOST_DAYS = 30, 400
# Of our age: what is outside has no neighbours in the calendar of the language.
FIRST_YEAR, LAST_YEAR = 1900, 9000


class PeriodQuery(Body):
    """Days of the account's time zone on which campaigns were launched, both included; the last 30 when nothing is
    said."""

    start_date: date | None = None
    end_date: date | None = None


class TrendingQuery(PeriodQuery):
    """A period, and how many campaigns to list."""

    limit: int = Field(10, ge=1, le=100)


class Period(NamedTuple):
    """Days, and the moments between which they lie (`end` is excluded)."""

    first: date
    last: date
    start: datetime
    end: datetime


def period(query: PeriodQuery, now: datetime, zone: str) -> Period:
    """Raises Invalid for a period that is none or too long."""
    here = ZoneInfo(zone)
    last = query.end_date or max(now.astimezone(here).date(), query.start_date or date.min)
    if not FIRST_YEAR <= last.year <= LAST_YEAR:
        raise Invalid.field("end_date", f"must be a day of the years {FIRST_YEAR} to {LAST_YEAR}")
    first = query.start_date or last - timedelta(days=USUAL_DAYS - 1)
    if first > last:
        raise Invalid.field("end_date", "must not be before start_date")
    if (last - first).days >= MOST_DAYS:
        raise Invalid.field("start_date", f"must be less than {MOST_DAYS} days before end_date")
    start, end = (datetime.combine(day, time(), here) for day in (first, last + timedelta(days=1)))
    return Period(first, last, start, end)
