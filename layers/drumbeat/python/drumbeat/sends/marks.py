"""When, on what and where a message was opened or clicked: numbers in sets beside those of recipients. Pure.

A mark is one number that holds the hour, the reader, the country and the recipient. The update that adds a recipient to
`opened` adds its mark to `O` as well, so it costs no write of its own; as the sets only grow by union, events that come
twice or late change nothing. The first mark of a recipient counts: whoever opens a mail on the phone and again on the
desk is one opener, of the earlier hour. Sets of marks have names in upper case, sets of recipients in lower case:

    O, C          people's opens and clicks: hour, reader, country, recipient
    OM, CM, U     machines' opens and clicks, and unsubscribes: hour, recipient
    D<hour>       recipients delivered to in this hour: most of a chunk's are, so the hour is said once
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from drumbeat.activity import devices

# Hours are counted from here: five digits of them are enough until 2036.
_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
# A chunk has at most a thousand recipients: providers take no more in one request.
_RECIPIENTS = 1000
_COUNTRIES = 1000
_NO_COUNTRY = _COUNTRIES - 1
_LETTER = ord("A")
UNKNOWN = "unknown"


class Mark(NamedTuple):
    """A mark in parts; `reader` is a code of `devices`, `country` two letters or `unknown`."""

    hour: int
    reader: int
    country: str


def hour_of(at: datetime) -> int:
    """The number of the hour (of UTC, in business time) that `at` lies in."""
    return max(0, (at - _FIRST) // _HOUR)


def start_of(hour: int) -> datetime:
    """When an hour begins."""
    return _FIRST + hour * _HOUR


def seen(kind: str, number: int, at: datetime, user_agent: str | None, country: str | None) -> tuple[str, int]:
    """The set and the mark of a person's open or click (`kind` is opened or clicked)."""
    reader = devices.code(devices.reader(user_agent))
    place = (hour_of(at) * devices.CODES + reader) * _COUNTRIES + _country_code(country)
    return {"opened": "O", "clicked": "C"}[kind], place * _RECIPIENTS + number


def brief(kind: str, number: int, at: datetime) -> tuple[str, int]:
    """The set and the mark of what only has a time: `kind` is delivered, unsubscribed, opened_machine or
    clicked_machine."""
    if kind == "delivered":
        return f"D{hour_of(at)}", number
    return _BRIEF[kind], hour_of(at) * _RECIPIENTS + number


_BRIEF = {"unsubscribed": "U", "opened_machine": "OM", "clicked_machine": "CM"}
_TIMED = frozenset({"delivered", *_BRIEF})


def recipient(member: int) -> int:
    """The recipient's number that a member of a set of numbers, or of marks, is about."""
    return member % _RECIPIENTS


def timed(kind: str) -> bool:
    """Whether `brief` has a mark for this kind."""
    return kind in _TIMED


def firsts(marks: Iterable[int]) -> dict[int, Mark]:
    """The first mark of each recipient, in parts; of two in an hour the one that says more."""
    found: dict[int, Mark] = {}
    for mark in sorted(marks, reverse=True):
        place, number = divmod(mark, _RECIPIENTS)
        rest, country = divmod(place, _COUNTRIES)
        hour, reader = divmod(rest, devices.CODES)
        found[number] = Mark(hour, reader, _country(country))
    return found


def first_hours(marks: Iterable[int]) -> dict[int, int]:
    """The first hour of each recipient by brief marks."""
    found: dict[int, int] = {}
    for mark in sorted(marks, reverse=True):
        hour, number = divmod(mark, _RECIPIENTS)
        found[number] = hour
    return found


def delivered_hours(sets: Mapping[str, frozenset[int]]) -> dict[int, int]:
    """The first hour in which each recipient's mail was delivered."""
    hours = sorted((int(name[1:]) for name in sets if name[0] == "D"), reverse=True)
    return {number: hour for hour in hours for number in sets[f"D{hour}"]}


def _country_code(country: str | None) -> int:
    text = (country or "").upper()
    if len(text) != 2 or not (text.isascii() and text.isalpha()):
        return _NO_COUNTRY
    return (ord(text[0]) - _LETTER) * 26 + ord(text[1]) - _LETTER


def _country(code: int) -> str:
    first, second = divmod(code, 26)
    return UNKNOWN if code == _NO_COUNTRY else chr(_LETTER + first) + chr(_LETTER + second)
