"""Reads template source before Liquid does: bounds its tags and finds where they are.

The Liquid lexer is made of regular expressions that take quadratic time on unclosed or very long tags. This scanner is
linear, refuses those, and lets the HTML be worked on with each tag masked by a short placeholder, so that quotes and
angle brackets inside of tags are not taken for HTML.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drumbeat.templates.limits import (
    MAX_BLANKS,
    MAX_DEPTH,
    MAX_SOURCE,
    MAX_TAG_LENGTH,
    MAX_TAG_TOTAL,
    MAX_TAGS,
    TemplateError,
)

# Unicode noncharacters: valid text never holds them.
OPEN, CLOSE, NO_TRACK = "\ufdd0", "\ufdd1", "\ufdd2"
PLACEHOLDER = re.compile(f"{OPEN}(\\d+){CLOSE}")

BLOCKS = frozenset({"if", "unless", "case", "for", "tablerow", "capture", "ifchanged", "comment"})
LOOPS = frozenset({"for", "tablerow"})
INNER = {"elsif": ("if", "unless"), "else": ("if", "unless", "case", "for"), "when": ("case",)}
PLAIN = frozenset({"assign", "cycle", "increment", "decrement", "echo", "#", "break", "continue", "render"})

_START = re.compile(r"\{\{|\{%")
_NAME = re.compile(r"\{%-?\s*(#|\w+)?")
_RAW = re.compile(r"\{%-?\s*raw\s*-?%\}")
_END_RAW = re.compile(r"\{%-?\s*endraw\s*-?%\}")
_BLANKS = re.compile(rf"\s{{{MAX_BLANKS + 1}}}")
_BINDS = re.compile(r"\{%-?\s*(?:for|tablerow|assign|capture|increment|decrement)\s+([\w-]+)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_WORD = re.compile(r"[^\W\d][\w-]*")


@dataclass(frozen=True, slots=True)
class Token:
    """One tag (`{% … %}`), output (`{{ … }}`) or verbatim stretch (a raw or comment block) of the source."""

    source: str
    kind: str
    name: str
    line: int
    depth: int

    @property
    def expression(self) -> str:
        """The inside of an output."""
        return self.source[2:-2].strip("-").strip()

    def words(self) -> frozenset[str]:
        """Every word outside of quotes: a superset of the variables that are read."""
        return frozenset(_WORD.findall(_QUOTED.sub("", self.expression)))


@dataclass(frozen=True, slots=True)
class Masked:
    """Source whose tags are placeholders."""

    field: str
    text: str
    tokens: tuple[Token, ...]

    def restore(self, text: str) -> str:
        """Put the tags back into masked text."""
        return PLACEHOLDER.sub(lambda match: self.tokens[int(match[1])].source, text)

    def tokens_of(self, text: str) -> list[Token]:
        return [self.tokens[int(number)] for number in PLACEHOLDER.findall(text)]

    def line(self, position: int) -> int:
        """Line in the source of a position in the masked text."""
        before = self.text[:position]
        inside = sum(token.source.count("\n") for token in self.tokens_of(before))
        return before.count("\n") + inside + 1

    def local_names(self) -> frozenset[str]:
        """Names that the template itself binds."""
        bound = {match[1] for token in self.tokens if (match := _BINDS.match(token.source))}
        return frozenset(bound | {"forloop", "tablerowloop"})


def mask(field: str, source: str) -> Masked:
    """Scan one part. TemplateError for anything too large, unclosed, wrongly nested or unknown."""
    if len(source.encode("utf-8", "replace")) > MAX_SOURCE:
        raise TemplateError(field, f"the template is larger than {MAX_SOURCE // 1000} KB: shorten it")
    for number, line in enumerate(source.split("\n"), 1):
        if any(mark in line for mark in (OPEN, CLOSE, NO_TRACK)):
            raise TemplateError(field, "remove the invisible character U+FDD0, U+FDD1 or U+FDD2", number)
    return _Scanner(field, source).scan()


class _Scanner:
    def __init__(self, field: str, source: str) -> None:
        self.field = field
        self.source = source
        self.position = 0
        self.line = 1
        self.written = 0
        self.tokens: list[Token] = []
        self.stack: list[str] = []

    def scan(self) -> Masked:
        text: list[str] = []
        while match := _START.search(self.source, self.position):
            text.append(self._advance(match.start()))
            token = self._tag()
            text.append(f"{OPEN}{len(self.tokens)}{CLOSE}")
            self.tokens.append(token)
            if len(self.tokens) > MAX_TAGS:
                raise self._error(f"more than {MAX_TAGS:,} Liquid tags; use a loop")
        text.append(self._advance(len(self.source)))
        if self.stack:
            raise self._error(f"{{% {self.stack[-1]} %}} is not closed: add {{% end{self.stack[-1]} %}}")
        return Masked(self.field, "".join(text), tuple(self.tokens))

    def _advance(self, end: int) -> str:
        piece = self.source[self.position : end]
        self.position = end
        self.line += piece.count("\n")
        return piece

    def _tag(self) -> Token:
        line = self.line
        if _RAW.match(self.source, self.position):
            return Token(self._verbatim_raw(), "verbatim", "raw", line, len(self.stack))
        if self.source.startswith("{{", self.position):
            return Token(self._advance(self._close("}}")), "output", "", line, len(self.stack))
        match = _NAME.match(self.source, self.position)
        name = (match[1] if match else None) or ""
        start, depth = self.position, len(self.stack)
        self._advance(self._close("%}"))
        self._nest(name)
        if name == "comment":
            self._skip_comment()
            return Token(self.source[start : self.position], "verbatim", name, line, depth)
        return Token(self.source[start : self.position], "tag", name, line, depth)

    def _close(self, mark: str) -> int:
        start = self.position
        end = self.source.find(mark, start + 2, start + MAX_TAG_LENGTH)
        if end < 0:
            raise self._error(f"this tag has no {mark} within {MAX_TAG_LENGTH:,} characters: close or shorten it")
        tag = self.source[start : end + 2]
        self.written += len(tag)
        if self.written > MAX_TAG_TOTAL:
            raise self._error(f"more than {MAX_TAG_TOTAL:,} characters of Liquid; use loops and {{% assign %}}")
        if _BLANKS.search(tag):
            raise self._error(f"this tag has more than {MAX_BLANKS} blanks in a row: remove some")
        if tag.count("(") > 10 or tag.count("[") > 20:
            raise self._error("this tag has too many brackets: split it with {% assign %}")
        return end + 2

    def _verbatim_raw(self) -> str:
        end = _END_RAW.search(self.source, self.position)
        if not end:
            raise self._error("{% raw %} is not closed: add {% endraw %}")
        return self._advance(end.end())

    def _skip_comment(self) -> None:
        """To the matching endcomment, by the same steps as the lexer takes within a comment."""
        while self.stack and self.stack[-1] == "comment":
            match = _START.search(self.source, self.position)
            if not match:
                raise self._error("{% comment %} is not closed: add {% endcomment %}")
            self._advance(match.start())
            if _RAW.match(self.source, self.position):
                self._verbatim_raw()
                continue
            named = _NAME.match(self.source, self.position)
            self._advance(self._close("%}" if named else "}}"))
            if named and named[1] in ("comment", "endcomment"):
                self._nest(named[1])

    def _nest(self, name: str) -> None:
        if name in BLOCKS:
            self.stack.append(name)
            if len(self.stack) > MAX_DEPTH:
                raise self._error(f"blocks are nested deeper than {MAX_DEPTH}")
        elif name.startswith("end") and name[3:] in BLOCKS:
            if not self.stack or self.stack[-1] != name[3:]:
                open_ = f"{{% {self.stack[-1]} %}} is still open" if self.stack else "no block is open"
                raise self._error(f"{{% {name} %}} does not fit here: {open_}")
            self.stack.pop()
        elif name in INNER:
            if not self.stack or self.stack[-1] not in INNER[name]:
                raise self._error(f"{{% {name} %}} belongs into {{% {INNER[name][0]} %}}")
        elif name in ("break", "continue") and not LOOPS.intersection(self.stack):
            raise self._error(f"{{% {name} %}} belongs into a loop")
        elif name not in PLAIN:
            there = ", ".join(sorted(BLOCKS | PLAIN | {"raw"}))
            raise self._error(f"the tag {name[:40]!r} is not available; there are {there}")

    def _error(self, message: str) -> TemplateError:
        return TemplateError(self.field, message, self.line)
