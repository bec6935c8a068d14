"""DynamoDB's expressions: updates, key conditions and projections (see `expressions`)."""

import functools
from collections.abc import Callable
from typing import Any

from tests.simulation.expressions import (
    Item,
    Names,
    Operand,
    Path,
    Reader,
    Values,
    normal,
    number,
    operand,
    path_of,
    read_at,
    written,
)

# Changes the item in place: `read` is the item as it was, which all actions of an update see.
Change = Callable[[Item, Item, Names, Values], None]
_CLAUSES = frozenset({"SET", "REMOVE", "ADD", "DELETE"})


@functools.cache
def update(text: str) -> Change:
    """An UpdateExpression as a function that changes an item."""
    reader = Reader(text)
    changes: list[Change] = []
    while reader.next:
        clause = reader.take().upper()
        if clause not in _CLAUSES:
            raise ValueError(f"unreadable update: {text}")
        changes.append(_CLAUSE[clause](reader))
        while reader.takes(","):
            changes.append(_CLAUSE[clause](reader))

    def change(item: Item, read: Item, names: Names, values: Values) -> None:
        for one in changes:
            one(item, read, names, values)

    return change


def _set(reader: Reader) -> Change:
    path = path_of(reader)
    reader.take("=")
    value = _sum(reader)

    def change(item: Item, read: Item, names: Names, values: Values) -> None:
        found = value(read, names, values)
        if found is None:
            raise ValueError("an operand of the update is missing")
        _write_at(item, path, names, normal(found))

    return change


def _sum(reader: Reader) -> Operand:
    left = _term(reader)
    if reader.next not in ("+", "-"):
        return left
    sign = 1 if reader.take() == "+" else -1
    right = _term(reader)

    def added(item: Item, names: Names, values: Values) -> Any:
        one, other = left(item, names, values), right(item, names, values)
        if one is None or other is None:
            return None
        return {"N": written(number(one["N"]) + sign * number(other["N"]))}

    return added


def _term(reader: Reader) -> Operand:
    if reader.next not in ("if_not_exists", "list_append"):
        return operand(reader)
    name = reader.take()
    reader.take("(")
    first = operand(reader)
    reader.take(",")
    second = operand(reader)
    reader.take(")")
    if name == "list_append":
        return lambda item, names, values: {"L": [*first(item, names, values)["L"], *second(item, names, values)["L"]]}

    def held(item: Item, names: Names, values: Values) -> Any:
        found = first(item, names, values)
        return second(item, names, values) if found is None else found

    return held


def _write_at(item: Item, path: Path, names: Names, value: Any) -> None:
    """Write at a path; its last part's parent must be there, and is copied, for items are shared."""
    head = names.get(str(path[0]), str(path[0]))
    item[head] = value if len(path) == 1 else _with(item[head], path[1:], names, value)


def _with(held: Any, path: Path, names: Names, value: Any) -> Any:
    """A copy of a map or a list in which something is written; with None it is taken out."""
    part = path[0]
    if isinstance(part, int):
        members = list(held["L"])
        found = value if len(path) == 1 else _with(members[part], path[1:], names, value)
        members[part : part + 1] = [] if found is None else [found]
        return {"L": members}
    name, inside = names.get(part, part), dict(held["M"])
    found = value if len(path) == 1 else _with(inside[name], path[1:], names, value)
    if found is None:
        inside.pop(name, None)
    else:
        inside[name] = found
    return {"M": inside}


def _remove(reader: Reader) -> Change:
    path = path_of(reader)

    def change(item: Item, read: Item, names: Names, values: Values) -> None:
        if len(path) == 1:
            item.pop(names.get(str(path[0]), str(path[0])), None)
        else:
            _write_at(item, path, names, None)

    return change


def _add(reader: Reader) -> Change:
    path, by = path_of(reader), reader.take()
    old = read_at(path)

    def change(item: Item, read: Item, names: Names, values: Values) -> None:
        held, more = old(read, names, values), normal(values[by])
        ((kind, added),) = more.items()
        if held is None:
            found = more
        elif kind == "N":
            found = {"N": written(number(held["N"]) + number(added))}
        else:
            found = {kind: list(dict.fromkeys([*held[kind], *added]))}
        _write_at(item, path, names, found)

    return change


def _delete(reader: Reader) -> Change:
    path, by = path_of(reader), reader.take()
    old = read_at(path)

    def change(item: Item, read: Item, names: Names, values: Values) -> None:
        held = old(read, names, values)
        if held is None:
            return
        ((kind, gone),) = normal(values[by]).items()
        left = [one for one in held[kind] if one not in gone]
        if left:
            _write_at(item, path, names, {kind: left})
        else:
            item.pop(names.get(str(path[0]), str(path[0])), None)

    return change


_CLAUSE: dict[str, Callable[[Reader], Change]] = {"SET": _set, "REMOVE": _remove, "ADD": _add, "DELETE": _delete}


@functools.cache
def projection(text: str) -> tuple[str, ...]:
    """The top-level names of a ProjectionExpression."""
    return tuple(part.strip() for part in text.split(","))


@functools.cache
def key_condition(text: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """A KeyConditionExpression as (name, operation, placeholders): `=`, `<` …, `BETWEEN` or `begins_with`."""
    reader = Reader(text)
    found = _keys(reader)
    if reader.next:
        raise ValueError(f"unreadable key condition: {text}")
    return tuple(found)


def _keys(reader: Reader) -> list[tuple[str, str, tuple[str, ...]]]:
    found = _key(reader)
    while reader.takes("AND"):
        found += _key(reader)
    return found


def _key(reader: Reader) -> list[tuple[str, str, tuple[str, ...]]]:
    if reader.takes("("):
        found = _keys(reader)
        reader.take(")")
        return found
    name = reader.take()
    if name == "begins_with":
        reader.take("(")
        name = reader.take()
        reader.take(",")
        wanted = reader.take()
        reader.take(")")
        return [(name, "begins_with", (wanted,))]
    word = reader.take().upper()
    if word != "BETWEEN":
        return [(name, word, (reader.take(),))]
    low = reader.take()
    reader.take("AND")
    return [(name, word, (low, reader.take()))]
