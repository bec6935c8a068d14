"""DynamoDB's expressions, as far as the layer uses them: conditions and updates over raw items, compiled once each."""

import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Item = dict[str, Any]
Bound = Mapping[str, Any]
Test = Callable[[Item, Bound, Bound], bool]
Operand = Callable[[Item, Bound, Bound], Any]

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),+-]|[#:]?\w+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, two: one == two,
    "<>": lambda one, two: one != two,
    "<": lambda one, two: plain(one) < plain(two),
    "<=": lambda one, two: plain(one) <= plain(two),
    ">": lambda one, two: plain(one) > plain(two),
    ">=": lambda one, two: plain(one) >= plain(two),
}


def plain(value: Mapping[str, Any]) -> Any:
    """What a raw value is compared by."""
    ((kind, held),) = value.items()
    return float(held) if kind == "N" else held


class _Parser:
    """Recursive descent over one condition."""

    def __init__(self, text: str) -> None:
        self.tokens = _TOKEN.findall(text)
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at].upper() if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token: str = self.tokens[self.at]
        if wanted and token.upper() != wanted:
            raise ValueError(f"expected {wanted} and found {token} in {' '.join(self.tokens)}")
        self.at += 1
        return token

    def either(self) -> Test:
        parts = [self.both()]
        while self.peek() == "OR":
            self.take()
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda i, n, v: any(part(i, n, v) for part in parts)

    def both(self) -> Test:
        parts = [self.one()]
        while self.peek() == "AND":
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda i, n, v: all(part(i, n, v) for part in parts)

    def one(self) -> Test:
        if self.peek() == "NOT":
            self.take()
            inner = self.one()
            return lambda i, n, v: not inner(i, n, v)
        if self.peek() == "(":
            self.take()
            inner = self.either()
            self.take(")")
            return inner
        if self.peek() in _FUNCTIONS:
            return self.function()
        return self.comparison()

    def function(self) -> Test:
        test = _FUNCTIONS[self.take().upper()]
        self.take("(")
        operands = [self.operand()]
        while self.peek() == ",":
            self.take()
            operands.append(self.operand())
        self.take(")")
        return lambda i, n, v: test(*(operand(i, n, v) for operand in operands))

    def comparison(self) -> Test:
        left, verb = self.operand(), self.take().upper()
        if verb == "BETWEEN":
            low = self.operand()
            self.take("AND")
            high = self.operand()
            return lambda i, n, v: (
                (held := left(i, n, v)) is not None and plain(low(i, n, v)) <= plain(held) <= plain(high(i, n, v))
            )
        if verb == "IN":
            return self.membership(left)
        right, compare = self.operand(), _COMPARE[verb]

        def test(item: Item, names: Bound, values: Bound) -> bool:
            one, two = left(item, names, values), right(item, names, values)
            if one is None or two is None:
                return verb == "<>" and one is not two
            return compare(one, two)

        return test

    def membership(self, left: Operand) -> Test:
        """`IN (a, b)`, behind its verb."""
        self.take("(")
        wanted = [self.operand()]
        while self.peek() == ",":
            self.take()
            wanted.append(self.operand())
        self.take(")")
        return lambda i, n, v: left(i, n, v) in [one(i, n, v) for one in wanted]

    def operand(self) -> Operand:
        token = self.take()
        if token.upper() != "SIZE" or self.peek() != "(":
            return operand(token)
        self.take("(")
        inner = self.operand()
        self.take(")")
        return lambda i, n, v: _size(inner(i, n, v))


def operand(token: str) -> Operand:
    """An attribute's raw value (None where there is none), or a placeholder's."""
    if token.startswith(":"):
        return lambda i, n, v: v[token]
    if token.startswith("#"):
        return lambda i, n, v: i.get(n[token])
    return lambda i, n, v: i.get(token)


def _size(held: Any) -> Any:
    """How many elements or bytes a raw value has; None of nothing."""
    if held is None:
        return None
    ((kind, value),) = held.items()
    return {"N": str(len(value.encode()) if kind == "S" else len(value))}


def _contains(held: Any, wanted: Any) -> bool:
    if held is None:
        return False
    ((_, inside),), ((_, value),) = held.items(), wanted.items()
    return value in inside


_FUNCTIONS: dict[str, Callable[..., bool]] = {
    "ATTRIBUTE_EXISTS": lambda held: held is not None,
    "ATTRIBUTE_NOT_EXISTS": lambda held: held is None,
    "BEGINS_WITH": lambda held, start: held is not None and held["S"].startswith(start["S"]),
    "CONTAINS": _contains,
}


@functools.cache
def condition(text: str) -> Test:
    """A condition as a test of (item, names, values)."""
    return _Parser(text).either()


@dataclass(frozen=True, slots=True)
class Change:
    """One action of an update: SET, REMOVE, ADD or DELETE of an attribute."""

    verb: str
    name: str
    value: tuple[str, ...] = ()


@functools.cache
def update(text: str) -> tuple[Change, ...]:
    """The actions of an update expression."""
    changes = []
    for clause in re.split(r"\s*\b(?=(?:SET|REMOVE|ADD|DELETE)\s)", text):
        verb, _, rest = clause.strip().partition(" ")
        for action in re.split(r",(?![^(]*\))", rest):
            tokens = _TOKEN.findall(action)
            if tokens:
                changes.append(Change(verb, tokens[0], tuple(tokens[2 if verb == "SET" else 1 :])))
    return tuple(changes)


def updated(item: Item, text: str, names: Bound, values: Bound) -> Item:
    """A new item: the old one with the changes of an update expression, which all see the old one."""
    after = dict(item)
    for change in update(text):
        name = names.get(change.name, change.name)
        if change.verb == "REMOVE":
            after.pop(name, None)
        elif change.verb == "SET":
            after[name] = _value(change.value, item, names, values)
        elif (held := _joined(change.verb, item.get(name), values[change.value[0]])) is None:
            after.pop(name, None)
        else:
            after[name] = held
    return after


def _joined(verb: str, held: Any, given: Mapping[str, Any]) -> Any:
    """ADD and DELETE: sums of numbers, unions and differences of sets."""
    ((kind, value),) = given.items()
    if kind == "N":
        return {"N": _number(float((held or {"N": "0"})["N"]) + float(value))}
    before = set((held or {kind: ()})[kind])
    after = before | set(value) if verb == "ADD" else before - set(value)
    return {kind: sorted(after)} if after else None


def _value(tokens: tuple[str, ...], item: Item, names: Bound, values: Bound) -> Any:
    """The right side of a SET: an operand, `if_not_exists`, or a sum of two of these."""
    parts: list[Any] = []
    sign, at = 1.0, 0
    while at < len(tokens):
        token = tokens[at]
        if token in "+-":
            sign = 1.0 if token == "+" else -1.0
            at += 1
            continue
        if token == "if_not_exists":
            held = operand(tokens[at + 2])(item, names, values)
            found = held if held is not None else operand(tokens[at + 4])(item, names, values)
            at += 6
        else:
            found = operand(token)(item, names, values)
            at += 1
        parts.append((sign, found))
    if len(parts) == 1:
        return parts[0][1]
    return {"N": _number(sum(sign * float(found["N"]) for sign, found in parts))}


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
