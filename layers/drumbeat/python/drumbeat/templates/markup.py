"""A linear reader of HTML mail: enough to find tags and their attributes, never quadratic on broken input.

`html.parser` of the standard library is quadratic on some malformed documents, and templates come from tenants.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Possessive: an unclosed quote ends the match at once instead of trying every shorter one.
_TAG = re.compile(r"<(/?)([a-zA-Z][\w:-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*+)(>?)")
_BRACKET = re.compile(r"<(?=[a-zA-Z/!?])")
ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)(?:(\s*=\s*)(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+)))?")
_RAW_TEXT = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}


@dataclass(frozen=True, slots=True)
class Piece:
    """A tag, a text, or what is never shown (comments, doctypes, contents of style and script)."""

    kind: str
    source: str
    start: int
    name: str = ""
    closing: bool = False
    attributes: str = ""


def pieces(text: str) -> Iterator[Piece]:
    """The document in order; the sources of all pieces joined are the document."""
    position = 0
    while position < len(text):
        bracket = _BRACKET.search(text, position)
        start = bracket.start() if bracket else len(text)
        if start != position:
            end = start
            yield Piece("text", text[position:end], position)
            position = end
            continue
        piece = _after_bracket(text, start)
        yield piece
        position = start + len(piece.source)
        if piece.kind == "tag" and not piece.closing and piece.name in _RAW_TEXT:
            match = _RAW_TEXT[piece.name].search(text, position)
            end = match.start() if match else len(text)
            yield Piece("hidden", text[position:end], position)
            position = end


def _after_bracket(text: str, start: int) -> Piece:
    # Conditional comments hold the buttons of Outlook: their contents are read like the rest.
    if text.startswith("<!--", start) and not text.startswith("<!--[if", start):
        return _hidden(text, start, "-->")
    if text.startswith(("<!", "<?"), start):
        return _hidden(text, start, ">")
    match = _TAG.match(text, start)
    if not match or not match[4]:
        return Piece("text", match[0] if match else "<", start)
    return Piece("tag", match[0], start, match[2].lower(), bool(match[1]), match[3])


def _hidden(text: str, start: int, end_mark: str) -> Piece:
    end = text.find(end_mark, start)
    return Piece("hidden", text[start:] if end < 0 else text[start : end + len(end_mark)], start)


def strip_markup(text: str) -> str:
    """Text without tags, comments, styles and scripts. Entities stay as they are."""
    if "<" not in text:
        return text
    return "".join(piece.source for piece in pieces(text) if piece.kind == "text")
