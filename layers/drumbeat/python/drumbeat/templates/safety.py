"""What an author's HTML may not hold: scripts, event handlers, script addresses, and frames.

Mail clients take them out or refuse the mail; previews show the HTML in a browser. So they are refused when a template
is saved, with what to do instead, rather than taken out behind the author's back. The values of merge fields are
escaped by the engine; here it is the author who is not trusted.

Tags are found by the same linear reader as links. Wherever a browser could read a document differently from it (tags
without an end, angle brackets in attribute values, odd ends of comments), the source is refused.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping

from drumbeat.templates.limits import TemplateError
from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import OPEN, PLACEHOLDER, Masked, mask

_REFUSED = frozenset({
    "script", "iframe", "frame", "frameset", "object", "embed", "applet", "base", "portal", "noembed", "noframes",
    "xmp", "plaintext",
})  # fmt: skip
_WRITING = frozenset({"echo", "cycle", "increment", "decrement"})
_SCHEME = re.compile(r"(?:javascript|vbscript|livescript|data:(?!image/(?:png|jpe?g|gif|webp|avif)[;,])\w*)\b")
_BLANK = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
_SCRIPT = re.compile(r"<\s*/?\s*script\b", re.IGNORECASE)
_BUILT = re.compile(f"</?{OPEN}")
_NESTED = re.compile(r"<[a-zA-Z/!?]")
_CSS = re.compile(r"expression\(|url\(['\"]?(?:javascript|vbscript):|-moz-binding|behavior:")


def check(source: str, field: str = "html", *, lines: bool = True) -> None:
    """Raises TemplateError for the first thing in the HTML that a mail must not hold, with its line and the remedy."""
    try:
        _check(mask("html", source))
    except TemplateError as error:
        raise TemplateError(field, error.message, error.line if lines else None) from None


def check_rendered(document: str) -> None:
    """The same for what Liquid made of it: pieces of a tag can be put together while a template runs."""
    _check(Masked("html", document, ()))


def _check(masked: Masked) -> None:
    ends = {"<!--": masked.text.rfind("-->"), "style": masked.text.lower().rfind("</style")}
    for piece in pieces(masked.text):
        sentence = _unsafe(masked, piece) or _endless(piece, ends)
        if sentence:
            raise TemplateError("html", sentence, masked.line(piece.start))
    match = _BUILT.search(masked.text)
    if match:
        raise TemplateError("html", "write &lt; for a sign; Liquid cannot make elements", masked.line(match.start()))
    match = _SCRIPT.search(masked.text)
    if match:
        raise TemplateError("html", "remove <script>, also from comments and styles", masked.line(match.start()))


def _unsafe(masked: Masked, piece: Piece) -> str | None:
    if piece.kind == "hidden":
        return "end comments with -->" if "--!>" in piece.source else None
    if piece.kind == "text":
        return "this tag has no end: add >, and write &lt; for a sign" if _NESTED.match(piece.source) else None
    if piece.name in _REFUSED:
        return f"remove <{piece.name}>: mail clients do not run or show it; link to a page of yours instead"
    if piece.attributes.startswith(OPEN):
        return "put Liquid tags between elements or into attribute values, not into an element's name"
    return None if piece.closing else _unsafe_attributes(masked, piece)


def _endless(piece: Piece, ends: Mapping[str, int]) -> str | None:
    """What would hide the rest of the mail, with the unsubscribe link that is put at its end."""
    if piece.source.startswith("<!--") and piece.start > ends["<!--"]:
        return "end comments with -->"
    if piece.name == "style" and not piece.closing and piece.start > ends["style"]:
        return "end <style> with </style>"
    return None


def _unsafe_attributes(masked: Masked, piece: Piece) -> str | None:
    refresh = False
    for match in ATTRIBUTE.finditer(piece.attributes):
        name = PLACEHOLDER.sub("", match[1]).lower()
        value = next((group for group in match.groups()[2:] if group is not None), "")
        if name.startswith("on"):
            return f"remove the attribute {name}=: mails have no scripts; use a link"
        if any(token.kind != "tag" or token.name in _WRITING for token in masked.tokens_of(match[1])):
            return "put merge fields into the value of an attribute, within quotes"
        if _NESTED.search(value):
            return f"write &lt; for < in the attribute {name}="
        plain = _BLANK.sub("", html.unescape(PLACEHOLDER.sub("", value))).lower()
        if _SCHEME.match(plain):
            return f"remove the address {plain[:40]} from {name}=: links begin with https://, mailto: or tel:"
        if name == "style" and _CSS.search(plain):
            return "remove the script from style="
        refresh = refresh or (name == "http-equiv" and plain == "refresh")
    return "remove <meta http-equiv=refresh>" if refresh else None
