"""What the operators of a field condition take, and when they hold for one present value.

Numbers compare exactly, strings without case. A date without a time is a whole local day: `after` it means a later day,
and `less_or_equal` includes all of it. The relative operators count calendar days in the zone, today included, so that
`within_days: 1` is today. They depend on the time through the local date alone, so results can only flip at a midnight.
"""

import operator as compare
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from zoneinfo import ZoneInfo

from drumbeat.segments import windows
from drumbeat.segments.values import Moment, day_of, instant, moment, number, text, truth
from drumbeat.segments.windows import Changes

OperatorName = Literal[
    "equals", "not_equals", "in", "not_in",
    "greater_than", "greater_or_equal", "less_than", "less_or_equal", "between",
    "contains", "not_contains", "starts_with", "not_starts_with", "ends_with", "not_ends_with",
    "is_set", "is_not_set", "is_true", "is_false",
    "before", "after", "on",
    "within_days", "not_within_days", "within_next_days", "older_than_days", "anniversary_within_days", "age_between",
]  # fmt: skip

Kind = Literal["any", "text", "number", "date", "list"]
Test = Callable[[object, date, ZoneInfo], bool]
Compare = Callable[[Any, Any], bool]
"""Of two numbers, two days or two instants."""

# A negative operator holds exactly when its positive one does not, hence also for a missing value.
NEGATED: Mapping[str, str] = {
    "not_equals": "equals", "not_in": "in", "not_contains": "contains", "not_starts_with": "starts_with",
    "not_ends_with": "ends_with", "not_within_days": "within_days",
}  # fmt: skip
HOLD_WHEN_MISSING = frozenset({*NEGATED, "is_not_set"})

_EQUALITY = frozenset({"equals", "not_equals", "in", "not_in"})
_ORDERING: Mapping[str, Compare] = {
    "greater_than": compare.gt, "greater_or_equal": compare.ge, "less_than": compare.lt, "less_or_equal": compare.le,
}  # fmt: skip
_CALENDAR: Mapping[str, Compare] = {"before": compare.lt, "after": compare.gt, "on": compare.eq}
_PARTS: Mapping[str, Callable[[str, str], bool]] = {
    "contains": compare.contains, "starts_with": str.startswith, "ends_with": str.endswith,
}  # fmt: skip
_BARE = frozenset({"is_set", "is_not_set", "is_true", "is_false"})
_PRESENCE = frozenset({"is_set", "is_not_set"})
_RANGES = frozenset({*_ORDERING, "between"})
_KINDS: Mapping[Kind, frozenset[str]] = {
    "text": _EQUALITY | _PRESENCE | _RANGES | _PARTS.keys() | {f"not_{name}" for name in _PARTS},
    "number": _EQUALITY | _PRESENCE | _RANGES,
    "date": _EQUALITY | _PRESENCE | _RANGES | frozenset(_CALENDAR) | frozenset(windows.RELATIVE) | {"not_within_days"},
    "list": _EQUALITY | _PRESENCE | {"contains", "not_contains"},
}

MAX_LIST, MAX_TEXT = 1000, 1024


class OperandError(ValueError):
    """A value that its operator cannot take: `problems` are (where inside the value, what is wrong)."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(message for _, message in problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Operation:
    test: Test
    member: Test
    """For one element of a list, where `contains` means "is one of them" and not a part of the text."""
    changes: Callable[[object, date, ZoneInfo], Changes] | None = None


def build(name: OperatorName, kind: Kind, value: object) -> Operation:
    """The operation of a condition; raises `OperandError` when field, operator and value do not fit."""
    if kind != "any" and name not in _KINDS[kind]:
        raise OperandError(("operator", f"{name} does not fit a field that holds a {kind}"))
    positive = NEGATED.get(name, name)
    if name in _BARE:
        return _bare(name, value)
    if positive in windows.RELATIVE:
        rule = windows.age_between(*_ages(value)) if positive == "age_between" else windows.relative(
            positive, _days(positive, value)
        )  # fmt: skip
        return Operation(rule.test, rule.test, rule.changes)
    test = _present_test(positive, kind, value)
    return Operation(test, _one_of((value,), kind) if positive == "contains" else test)


def _present_test(name: str, kind: Kind, value: object) -> Test:
    if name == "equals":
        return _one_of((_scalar(value, kind),), kind)
    if name == "in":
        return _one_of(_scalars(value, kind), kind)
    if name == "between":
        return _between(value, kind)
    if name in _ORDERING:
        return _compared(_ORDERING[name], _bound(value, kind))
    if name in _CALENDAR:
        bound = _bound(value, "date")
        return _on(bound) if name == "on" else _compared(_CALENDAR[name], bound)
    return _text_test(name, value)


def _bare(name: str, value: object) -> Operation:
    if value is not None:
        raise OperandError(("value", f"{name} takes no value"))
    if name in _PRESENCE:
        present = name == "is_set"
        return Operation(lambda found, today, zone: present, lambda found, today, zone: present)

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        return truth(found) is (name == "is_true")

    return Operation(test, test)


def _scalar(value: object, kind: Kind, at: str = "value") -> object:
    if value is None:
        raise OperandError((at, "a value is required (for a missing one use is_set or is_not_set)"))
    if kind == "number" and number(value) is None:
        raise OperandError((at, "must be a number"))
    if kind == "date" and moment(value) is None:
        raise OperandError((at, "must be an ISO 8601 date or time"))
    if isinstance(value, str):
        if not value or len(value) > MAX_TEXT:
            raise OperandError((at, f"must have 1 to {MAX_TEXT} characters"))
    elif not isinstance(value, bool) and number(value) is None:
        raise OperandError((at, "must be text, a number, or true or false"))
    return value


def _scalars(value: object, kind: Kind) -> tuple[object, ...]:
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= MAX_LIST:
        raise OperandError(("value", f"must be a list of 1 to {MAX_LIST} values"))
    problems: list[tuple[str, str]] = []
    for index, item in enumerate(value):
        try:
            _scalar(item, kind, f"value[{index}]")
        except OperandError as refused:
            problems += refused.problems
    if problems:
        raise OperandError(*problems)
    return tuple(value)


def _one_of(wanted: tuple[object, ...], kind: Kind) -> Test:
    """Text matches text; numbers match numbers and text that is one; a field of numbers reads text as a number."""
    if kind == "date":
        tests = [_same_time(when) for when in map(moment, wanted) if when is not None]
        return lambda found, today, zone: any(test(found, today, zone) for test in tests)
    texts = frozenset(text(item) for item in wanted if isinstance(item, str))
    truths = frozenset(item for item in wanted if isinstance(item, bool))
    exact = frozenset(found for item in wanted if not isinstance(item, str) and (found := number(item)) is not None)
    readable = exact | {found for item in wanted if isinstance(item, str) and (found := number(item)) is not None}
    numbers_in_text = readable if kind == "number" else exact

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        if isinstance(found, str):
            return (
                text(found) in texts
                or (bool(numbers_in_text) and number(found) in numbers_in_text)
                or (bool(truths) and truth(found) in truths)
            )
        if isinstance(found, bool):
            return found in truths or str(found).casefold() in texts
        if isinstance(found, int | float | Decimal):
            return number(found) in readable
        return isinstance(found, date) and text(found.isoformat()) in texts

    return test


def _bound(value: object, kind: Kind, at: str = "value") -> int | Decimal | Moment:
    found = number(value) if kind != "date" else None
    if found is not None:
        return found
    when = moment(value) if kind != "number" and not isinstance(value, bool) else None
    if when is None:
        wanted = {"number": "a number", "date": "an ISO 8601 date or time"}.get(
            kind, "a number, or an ISO 8601 date or time"
        )
        raise OperandError((at, f"must be {wanted}"))
    return when


def _compared(holds: Compare, bound: int | Decimal | Moment) -> Test:
    if not isinstance(bound, date):
        return lambda found, today, zone: (value := number(found)) is not None and holds(value, bound)

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        when = moment(found)
        if when is None:
            return False
        if isinstance(bound, datetime):
            return holds(instant(when, zone), instant(bound, zone))
        return holds(day_of(when, zone), bound)

    return test


def _same_time(bound: Moment) -> Test:
    return _compared(compare.eq, bound)


def _on(bound: int | Decimal | Moment) -> Test:
    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        when = moment(found)
        return when is not None and isinstance(bound, date) and day_of(when, zone) == day_of(bound, zone)

    return test


def _between(value: object, kind: Kind) -> Test:
    """Both ends belong to it."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise OperandError(("value", "must be a list of two values, [lowest, highest]"))
    problems: list[tuple[str, str]] = []
    bounds: list[int | Decimal | Moment] = []
    for index, item in enumerate(value):
        try:
            bounds.append(_bound(item, kind, f"value[{index}]"))
        except OperandError as refused:
            problems += refused.problems
    if problems:
        raise OperandError(*problems)
    low, high = bounds
    if isinstance(low, date) != isinstance(high, date):
        raise OperandError(("value", "must be two numbers or two dates"))
    if _backwards(low, high):
        raise OperandError(("value", "the lowest must come first"))
    at_least, at_most = _compared(compare.ge, low), _compared(compare.le, high)
    return lambda found, today, zone: at_least(found, today, zone) and at_most(found, today, zone)


def _backwards(low: int | Decimal | Moment, high: int | Decimal | Moment) -> bool:
    if not isinstance(low, date) and not isinstance(high, date):
        return low > high
    # A day and a time, or a time without an offset, can be put in order only in a zone, which a parser doesn't have.
    if isinstance(low, datetime) and isinstance(high, datetime):
        return (low.tzinfo is None) == (high.tzinfo is None) and low > high
    return isinstance(low, date) and isinstance(high, date) and type(low) is type(high) and low > high


def _text_test(name: str, value: object) -> Test:
    if isinstance(value, bool) or (not isinstance(value, str) and number(value) is None):
        raise OperandError(("value", "must be text"))
    wanted, part = text(str(_scalar(value, "any"))), _PARTS[name]

    def test(found: object, today: date, zone: ZoneInfo) -> bool:
        if isinstance(found, str):
            return part(text(found), wanted)
        return not isinstance(found, bool) and number(found) is not None and part(text(str(found)), wanted)

    return test


def _days(name: str, value: object) -> int:
    most = windows.MAX_ANNIVERSARY if name == "anniversary_within_days" else windows.MAX_DAYS
    if value is None and name == "anniversary_within_days":
        return 1
    found = whole(value, 1, most)
    if found is None:
        raise OperandError(("value", f"must be a whole number of days from 1 to {most}"))
    return found


def _ages(value: object) -> tuple[int, int]:
    """Whole years, both included."""
    ages = [whole(item, 0, windows.MAX_AGE) for item in value] if isinstance(value, list | tuple) else []
    if len(ages) != 2 or ages[0] is None or ages[1] is None or ages[0] > ages[1]:
        raise OperandError(
            ("value", f"must be a list of two ages, [youngest, oldest], of 0 to {windows.MAX_AGE} years")
        )
    return ages[0], ages[1]


def whole(value: object, lowest: int, highest: int) -> int | None:
    """A whole number inside its bounds, or None. The bounds come first: 1e999999 as an int would fill the memory."""
    found = number(value)
    if found is None or not lowest <= found <= highest or found != int(found):
        return None
    return int(found)
