"""The words of a Handlebars expression. Pure."""

import re
from collections.abc import Sequence
from typing import Final

_WORD = re.compile(r"\s*(\(|\)|[\w@]+=|\"[^\"]*\"|'[^']*'|(?:\[[^\]]*\]|[^\s()=])+)")
_NAME = re.compile(r"[A-Za-z_]\w*")
NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")


class Untranslatable(Exception):
    """The template says something that has no counterpart; the message names it."""


def key(name: str) -> str:
    if _NAME.fullmatch(name):
        return f"attributes.{name}"
    if '"' in name:
        raise Untranslatable(f"the attribute {name!r} has a quote in its name")
    return f'attributes["{name}"]'


def words(text: str) -> list[str]:
    found = [match[1] for match in _WORD.finditer(text)]
    if not found:
        raise Untranslatable("{{}} is empty")
    return found


def grouped(of: Sequence[str]) -> "list[str | list[str]]":
    """The words, with each bracket as a list of its own (its inner brackets as they are)."""
    parts: list[str | list[str]] = []
    depth, inner = 0, list[str]()
    for word in of:
        if word == "(":
            depth += 1
        if depth:
            inner.append(word)
        else:
            parts.append(word)
        if word == ")":
            depth -= 1
            if depth == 0:
                parts.append(inner[1:-1])
                inner = []
    if depth or not parts:
        raise Untranslatable("a bracket is never closed")
    return parts


def flat(part: str | list[str]) -> list[str]:
    return [part] if isinstance(part, str) else part


def word(part: str | list[str]) -> str:
    if isinstance(part, str):
        return part
    raise Untranslatable("a helper inside of a comparison")


def only(helper: str, given: Sequence[str]) -> str:
    """The one argument of a helper that takes one."""
    if len(given) != 1:
        raise Untranslatable(f"the helper {helper!r} with {len(given)} arguments")
    return given[0]


def arguments(of: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Plain arguments, and those with a name (`yes='y'`) without their quotes."""
    plain, named, rest = list[str](), dict[str, str](), iter(of)
    for word in rest:
        if word.endswith("="):
            named[word[:-1]] = unquoted(next(rest, ""))
        else:
            plain.append(word)
    return plain, named


def unquoted(text: str) -> str:
    return text[1:-1] if text[:1] in "\"'" else text
