"""Words of the documents: durations, events, filters and conditions, as our own formats say them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from drumbeat.errors import Detail, Invalid
from drumbeat.journeys.terms import MINUTE
from drumbeat.segments.criteria import KINDS

_UNITS = {
    "second": timedelta(seconds=1), "minute": MINUTE, "hour": timedelta(hours=1), "day": timedelta(days=1),
    "week": timedelta(days=7), "month": timedelta(days=30),
}  # fmt: skip
_WRITTEN = re.compile(r"(\d{1,6}(?:\.\d{1,6})?)[ _-]?(second|minute|hour|day|week|month)s?")
_ISO = re.compile(r"P(?=.)(?:\d+W)?(?:\d+D)?(?:T(?=\d)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?")
_MESSAGE_EVENT = re.compile(
    r"(email|sms|push)_(sent|delivered|opened|clicked|bounced|complained|unsubscribed|deferred|rejected)"
)
_ENGAGED = re.compile(r"(email|sms|push)_(?:was_)?(delivered|received|opened|clicked)")
_SAME = {"==": "equals", "=": "equals", "eq": "equals", "is": "equals", "!=": "not_equals", "ne": "not_equals",
         ">": "greater_than", "gt": "greater_than", ">=": "greater_or_equal", "gte": "greater_or_equal",
         "<": "less_than", "lt": "less_than", "<=": "less_or_equal", "lte": "less_or_equal",
         "exists": "is_set", "not_exists": "is_not_set"}  # fmt: skip


class Wrong(Exception):
    """Something in a document that cannot be read: where, and what would be right."""

    def __init__(self, place: str, message: str) -> None:
        super().__init__(message)
        self.details = [Detail(place, message)]


class Problems(list[Detail]):
    """All that is wrong with a document, so that it is told at once."""

    @contextmanager
    def noted(self) -> Iterator[None]:
        """What cannot be read in the block is written down, and the reading goes on."""
        try:
            yield
        except Wrong as wrong:
            self += wrong.details

    def refuse(self) -> None:
        """Raise Invalid if there are any."""
        if self:
            raise Invalid("Some fields are not valid; see details.", self)


def first(said: Mapping[str, Any], *names: str) -> Any:
    """The value of the first of these names that the document has; None where it has none."""
    return next((said[name] for name in names if said.get(name) is not None), None)


def an_object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Wrong(place, "must be an object")
    return value


def a_list(value: Any, place: str) -> Sequence[Any]:
    if not isinstance(value, list | tuple) or not value:
        raise Wrong(place, "must be a list with at least one entry")
    return value


def only(said: Mapping[str, Any], place: str, known: Sequence[str]) -> None:
    """Refuse what nobody reads: a typing error must not be silently ignored."""
    unknown = [name for name in said if name not in known]
    if unknown:
        raise Wrong(f"{place}.{unknown[0]}".lstrip("."), f"is not known here; there are {', '.join(known)}")


def duration(value: Any, place: str, unit: Any = None) -> timedelta:
    """`1_hour`, `3_days`, `90 minutes`, `P3D`; a number with `unit`, or a number of seconds. A month has 30 days."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Wrong(place, 'must be a duration such as "1_hour", "3_days" or "P3D"')
    text = f"{value} {unit or 'seconds'}" if isinstance(value, int | float) else value.strip()
    written = _WRITTEN.fullmatch(text.lower())
    if written:
        return float(written[1]) * _UNITS[written[2]]
    if _ISO.fullmatch(text):
        parts = {mark: int(number) for number, mark in re.findall(r"(\d+)([WDHMS])", text.replace("T", ""))}
        if "M" not in parts or "T" in text:
            return sum((number * _UNITS[name] for mark, number in parts.items() for name in _UNITS
                        if name[0].upper() == mark and name != "month"), timedelta())  # fmt: skip
    raise Wrong(place, 'must be a duration such as "1_hour", "3_days" or "P3D"')


def event(value: Any, place: str) -> str:
    """An event's name; `email_opened` is what timelines call `email.opened`."""
    if not isinstance(value, str) or not value.strip():
        raise Wrong(place, 'must name an event, such as "user_registered"')
    found = _MESSAGE_EVENT.fullmatch(value.strip())
    return f"{found[1]}.{found[2]}" if found else value.strip()


def filters(value: Any, place: str) -> list[dict[str, Any]]:
    """Filters on what an event says: an object of values (a list is one of them), or conditions."""
    if value is None:
        return []
    if isinstance(value, Mapping):
        if isinstance(value.get("conditions"), list | tuple):
            return filters(value["conditions"], f"{place}.conditions")
        return [
            {"field": name, "operator": "in" if isinstance(wanted, list) else "equals", "value": wanted}
            for name, wanted in value.items()
        ]
    return [condition(one, f"{place}[{number}]") for number, one in enumerate(a_list(value, place))]


def condition(value: Any, place: str) -> dict[str, Any]:
    """A condition of a segment's criteria; `operator` also as a sign (`>=`), without one `equals`."""
    said = dict(an_object(value, place))
    if not any(kind in said for kind in KINDS):
        said["field"] = first(said, "attribute", "property", "name")
        said.pop(next((name for name in ("attribute", "property", "name") if name in said), ""), None)
        if said["field"] is None:
            raise Wrong(f"{place}.field", "must name what is compared")
    if "field" in said:
        asked = str(said.get("operator", "equals")).lower()
        said["operator"] = _SAME.get(asked, asked)
    return said


def engagement(value: Mapping[str, Any]) -> tuple[dict[str, Any], bool] | None:
    """What a condition such as `email_opened` asks of the journey's last e-mail before it, and which answer is meant;
    None for another condition."""
    found = _ENGAGED.fullmatch(str(value.get("field", "")))
    if not found:
        return None
    asked = str(value.get("operator", "equals")).lower()
    wanted = value.get("value", True)
    meant = wanted not in (False, "false", "no", 0, "0")
    if _SAME.get(asked, asked) in ("not_equals", "is_false", "is_not_set"):
        meant = not meant
    activity = "received" if found[2] == "delivered" else found[2]
    return {"activity": activity, "channel": found[1]}, meant
