"""One value, of a contact or of a condition, read as text, as a number, as truth or as time.

Contacts' values come from forms, CSV files and APIs, so a number may be a string and a time is ISO 8601 text. Every
reader gives None for what it cannot read, and a condition on such a value fails: it never raises.
"""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from unicodedata import normalize
from zoneinfo import ZoneInfo

Moment = date | datetime

# "0001-01-01" and "9999-12-31" are how databases write "no date"; inside these years no arithmetic can overflow.
FIRST_YEAR, LAST_YEAR = 1000, 9000
_LONGEST_NUMBER, _LONGEST_TIME = 64, 40
_TRUE, _FALSE = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


def is_missing(value: object) -> bool:
    """True for null, blank text and an empty list: what an empty cell of a CSV file becomes."""
    if value is None:
        return True
    if isinstance(value, str):
        return not value or value.isspace()
    return isinstance(value, list | tuple | set | frozenset | dict) and not value


def text(value: str) -> str:
    """The form in which strings are compared: without case, and the same for each way to encode a letter."""
    if value.isascii():
        return value.casefold()
    return normalize("NFC", normalize("NFC", value).casefold())


def number(value: object) -> int | Decimal | None:
    """An exact, finite number, also from text in any script's digits; true and false are not numbers."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        value = Decimal(repr(value))
    elif isinstance(value, str):
        if len(value) > _LONGEST_NUMBER or "_" in value:
            return None
        try:
            value = Decimal(value)
        except InvalidOperation:
            return None
    return value if isinstance(value, Decimal) and value.is_finite() else None


def truth(value: object) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        folded = value.strip().casefold()
        return True if folded in _TRUE else False if folded in _FALSE else None
    found = number(value)
    return bool(found) if found in (0, 1) else None


def moment(value: object) -> Moment | None:
    """A calendar day (`date`) or a point in time (`datetime`; without an offset it is local time of the zone)."""
    if isinstance(value, str):
        if len(value) > _LONGEST_TIME:
            return None
        try:
            value = date.fromisoformat(value) if len(value) <= len("2024-01-31") else datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, date) and FIRST_YEAR <= value.year <= LAST_YEAR else None


def day_of(when: Moment, zone: ZoneInfo) -> date:
    if not isinstance(when, datetime):
        return when
    return when.date() if when.tzinfo is None else when.astimezone(zone).date()


def instant(when: Moment, zone: ZoneInfo) -> datetime:
    """In UTC: Python compares two times of the same zone by their wall clocks, which is wrong when clocks go back."""
    if not isinstance(when, datetime):
        return day_start(when, zone)
    return (when.replace(tzinfo=zone) if when.tzinfo is None else when).astimezone(UTC)


@lru_cache(maxsize=4096)
def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where the clocks skip midnight that is the moment of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def days_later(day: date, days: int) -> date:
    return day + timedelta(days=days)
