"""Starter templates and blocks that come along: `starters.json` has their words, `sources/` their layouts in MJML.

A layout has `[[word]]` where words of a language go, and `[[>part]]` for a part that layouts share
(`sources/_part.mjml`). Several starters share a layout: the festivals are promotions in other colours.
"""

import functools
import json
import re
from pathlib import Path
from typing import Any

from drumbeat.errors import NotFound
from drumbeat.templates.bodies import choose
from drumbeat.templates.expansion import Block

_HERE = Path(__file__).parent
_PART = re.compile(r"\[\[>(\w+)\]\]")
_WORD = re.compile(r"\[\[(\w+)\]\]")
LANGUAGE = "en"
OTHERS = ("bn",)
# What the blocks say by themselves, by language.
_BUTTON = {"": "View", "bn": "দেখুন"}


@functools.cache
def _all() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_HERE / "starters.json").read_text("utf-8"))
    return found


def names() -> list[str]:
    return list(_all()["starters"])


def source(name: str, language: str) -> str:
    """The MJML of a starter in a language."""
    said = said_of(name)
    words = {**_all()["common"][language], **said, **said[language]}
    layout = _PART.sub(lambda part: _file(f"sources/_{part[1]}.mjml"), _file(f"sources/{said['source']}.mjml"))
    return _WORD.sub(lambda word: str(words[word[1]]), layout)


def block(name: str, language: str | None) -> Block | None:
    """A block that comes along (`product_grid`), unless the tenant has one of that name."""
    if name != "product_grid":
        return None
    button = _BUTTON[choose(language, ["bn"])]
    return Block(_file(f"blocks/{name}.html").replace("View", button), _file(f"blocks/{name}.txt"))


def said_of(name: str) -> dict[str, Any]:
    """A starter's title, description, category, variables, and its words by language. Raises NotFound."""
    try:
        found: dict[str, Any] = _all()["starters"][name]
    except KeyError:
        raise NotFound(f"There is no starter {name!r}; there are {', '.join(names())}.") from None
    return found


@functools.cache
def _file(path: str) -> str:
    return (_HERE / path).read_text("utf-8")
