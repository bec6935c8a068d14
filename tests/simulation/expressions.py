"""DynamoDB's expressions: conditions, each text compiled once to a function over raw items, and what others need.

The grammar is that of docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html. Values are raw
(`{"S": "text"}`), numbers are compared and added as numbers. What the store does not know raises ValueError.
"""

import functools
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Item = dict[str, Any]
Names = Mapping[str, str]
Values = Mapping[str, Any]
# Gives the raw value, or None where there is none.
Operand = Callable[[Item, Names, Values], Any]
Test = Callable[[Item, Names, Values], bool]
Path = tuple[str | int, ...]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+\-.\[\]]|[:#]?\w+)")
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_ORDERED = frozenset({"S", "N", "B"})
_SETS = frozenset({"SS", "NS", "BS"})


def number(text: str) -> int | Decimal:
    """The number in a raw `N`."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)


def written(value: int | Decimal) -> str:
    """A number as DynamoDB gives it back: without an exponent or zeros at its end."""
    if isinstance(value, int):
        return str(value)
    return str(int(value)) if value == value.to_integral_value() else format(value.normalize(), "f")


def normal(value: Any) -> Any:
    """A raw value as DynamoDB would give it back."""
    ((kind, held),) = value.items()
    if kind == "N":
        return value if held.isdigit() else {"N": written(number(held))}
    if kind == "NS":
        return {"NS": [one if one.isdigit() else written(number(one)) for one in held]}
    if kind == "M":
        return {"M": {name: normal(one) for name, one in held.items()}}
    if kind == "L":
        return {"L": [normal(one) for one in held]}
    return value


def equal(one: Any, other: Any) -> bool:
    """Whether two raw values are the same; None is equal to nothing."""
    if one is None or other is None:
        return False
    if one == other:
        return True
    ((kind, held),) = one.items()
    if kind not in other:
        return False
    if kind == "N":
        return number(held) == number(other["N"])
    if kind in _SETS:
        return _members(one) == _members(other)
    return False


def _members(value: Any) -> set[Any]:
    ((kind, held),) = value.items()
    return {number(one) for one in held} if kind == "NS" else set(held)


def _ordered(one: Any, other: Any) -> tuple[Any, Any] | None:
    """Two raw values of one ordered type as Python's."""
    if one is None or other is None:
        return None
    ((kind, held),) = one.items()
    if kind not in _ORDERED or kind not in other:
        return None
    return (number(held), number(other["N"])) if kind == "N" else (held, other[kind])


class Reader:
    """The tokens of an expression, one after the other."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        if "".join(self.tokens) != re.sub(r"\s+", "", text):
            raise ValueError(f"unreadable expression: {text}")
        self.place = 0

    @property
    def next(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def take(self, wanted: str | None = None) -> str:
        token = self.next
        if not token or (wanted is not None and token.upper() != wanted):
            raise ValueError(f"{wanted or 'more'} expected at {self.tokens[self.place :]}")
        self.place += 1
        return token

    def takes(self, word: str) -> bool:
        if self.next.upper() != word:
            return False
        self.place += 1
        return True


@functools.cache
def condition(text: str) -> Test:
    """A ConditionExpression (or a FilterExpression) as a function of item, names and values."""
    reader = Reader(text)
    test = _either(reader)
    if reader.next:
        raise ValueError(f"unreadable condition: {text}")
    return test


def _either(reader: Reader) -> Test:
    test = _both(reader)
    while reader.takes("OR"):
        test = _joined_or(test, _both(reader))
    return test


def _both(reader: Reader) -> Test:
    test = _negated(reader)
    while reader.takes("AND"):
        test = _joined_and(test, _negated(reader))
    return test


def _joined_or(one: Test, other: Test) -> Test:
    return lambda item, names, values: one(item, names, values) or other(item, names, values)


def _joined_and(one: Test, other: Test) -> Test:
    return lambda item, names, values: one(item, names, values) and other(item, names, values)


def _negated(reader: Reader) -> Test:
    if reader.takes("NOT"):
        test = _negated(reader)
        return lambda item, names, values: not test(item, names, values)
    if reader.takes("("):
        test = _either(reader)
        reader.take(")")
        return test
    following = reader.tokens[reader.place + 1] if reader.place + 1 < len(reader.tokens) else ""
    if following == "(" and reader.next != "size":
        return _function(reader)
    return _comparison(reader)


def _function(reader: Reader) -> Test:
    name = reader.take()
    reader.take("(")
    first = operand(reader)
    second: Operand = first
    if reader.takes(","):
        second = operand(reader)
    reader.take(")")
    if name == "attribute_exists":
        return lambda item, names, values: first(item, names, values) is not None
    if name == "attribute_not_exists":
        return lambda item, names, values: first(item, names, values) is None
    if name == "attribute_type":
        return lambda item, names, values: second(item, names, values)["S"] in (first(item, names, values) or {})
    tests: dict[str, Callable[[Any, Any], bool]] = {"begins_with": _begins, "contains": _contains}
    return _of_two(tests[name], first, second)


def _of_two(test: Callable[[Any, Any], bool], first: Operand, second: Operand) -> Test:
    return lambda item, names, values: test(first(item, names, values), second(item, names, values))


def _begins(held: Any, prefix: Any) -> bool:
    pair = _ordered(held, prefix)
    return pair is not None and "N" not in held and bool(pair[0].startswith(pair[1]))


def _contains(held: Any, wanted: Any) -> bool:
    if held is None or wanted is None:
        return False
    ((kind, members),) = held.items()
    ((sort, one),) = wanted.items()
    if kind in ("S", "B"):
        return sort == kind and one in members
    if kind == "L":
        return any(equal(member, wanted) for member in members)
    return kind == f"{sort}S" and (number(one) if sort == "N" else one) in _members(held)


def _comparison(reader: Reader) -> Test:
    left = operand(reader)
    word = reader.take().upper()
    if word == "BETWEEN":
        low = operand(reader)
        reader.take("AND")
        return _joined_and(_compared(left, ">=", low), _compared(left, "<=", operand(reader)))
    if word == "IN":
        reader.take("(")
        among = [operand(reader)]
        while reader.takes(","):
            among.append(operand(reader))
        reader.take(")")
        return lambda item, names, values: any(
            equal(left(item, names, values), one(item, names, values)) for one in among
        )
    return _compared(left, word, operand(reader))


def _compared(left: Operand, word: str, right: Operand) -> Test:
    if word == "=":
        return _of_two(equal, left, right)
    if word == "<>":
        return lambda item, names, values: not equal(left(item, names, values), right(item, names, values))
    compare = _COMPARISONS[word]

    def test(item: Item, names: Names, values: Values) -> bool:
        pair = _ordered(left(item, names, values), right(item, names, values))
        return pair is not None and compare(*pair)

    return test


def operand(reader: Reader) -> Operand:
    if reader.next == "size":
        reader.take()
        reader.take("(")
        sized = operand(reader)
        reader.take(")")
        return lambda item, names, values: _size(sized(item, names, values))
    if reader.next.startswith(":"):
        name = reader.take()
        return lambda item, names, values: values[name]
    return read_at(path_of(reader))


def _size(value: Any) -> Any:
    if value is None:
        return None
    ((kind, held),) = value.items()
    length = len(held.encode()) if kind == "S" else len(held)
    return {"N": str(length)}


def path_of(reader: Reader) -> Path:
    parts: list[str | int] = [reader.take()]
    while reader.next in (".", "["):
        if reader.take() == ".":
            parts.append(reader.take())
        else:
            parts.append(int(reader.take()))
            reader.take("]")
    return tuple(parts)


def read_at(path: Path) -> Operand:
    if len(path) == 1:
        only = str(path[0])
        return lambda item, names, values: item.get(names.get(only, only))

    def read(item: Item, names: Names, values: Values) -> Any:
        held: Any = {"M": item}
        for part in path:
            if held is None:
                return None
            if isinstance(part, int):
                members = held.get("L", ())
                held = members[part] if part < len(members) else None
            else:
                held = held.get("M", {}).get(names.get(part, part))
        return held

    return read
