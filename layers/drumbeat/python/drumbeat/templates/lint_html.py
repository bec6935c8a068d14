"""Findings about elements, with their lines: links that lead nowhere, pictures without words, tags without an end.

Reads HTML and MJML as their author wrote them.
"""

from __future__ import annotations

import html as entities
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from drumbeat.templates import addresses
from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import PLACEHOLDER, Masked, mask

_LINKS = frozenset({"a", "area", "mj-button", "mj-navbar-link", "mj-image", "mj-social-element", "mj-carousel-image"})
_IMAGES = frozenset({"img", "mj-image", "mj-carousel-image"})
# Elements whose end may not be left out; of the others a reader can tell where they end.
_CLOSED = frozenset({
    "a", "b", "strong", "i", "em", "u", "s", "span", "div", "table", "h1", "h2", "h3", "h4", "h5", "h6", "center",
    "font", "ul", "ol", "style", "small", "blockquote",
})  # fmt: skip
_OTHER_SCHEMES = re.compile(r"(?:mailto|tel|sms|webcal|cid):\S", re.IGNORECASE)
_INLINE_IMAGE = re.compile(r"data:image/", re.IGNORECASE)


MOST = 200
"""Findings of one part that are told."""
# Name, sentence, severity, and where it begins.
_Found = tuple[str, str, str, int]


@dataclass(frozen=True, slots=True)
class Finding:
    """`severity` is `error` (the mail must not go out like this), `warning` or `hint`. `line` counts from 1 in
    `field`."""

    name: str
    message: str
    severity: str
    field: str | None = None
    line: int | None = None


def elements(field: str, source: str) -> list[Finding]:
    """Findings of the elements of one part, in their order; the first `MOST` of them."""
    masked = mask(field, source)
    document = list(pieces(masked.text))
    found = itertools.islice(itertools.chain(_addresses(masked, document), _open(masked, document)), MOST)
    # A line is found by counting, so only for what is shown.
    return [Finding(name, sentence, severity, field, masked.line(at)) for name, sentence, severity, at in found]


def _addresses(masked: Masked, document: list[Piece]) -> Iterator[_Found]:
    for piece in document:
        if piece.kind != "tag" or piece.closing:
            continue
        said = _attributes(piece)
        if piece.name in _LINKS and "href" in said:
            sentence = _broken(said["href"])
            if sentence:
                shown = masked.restore(said["href"])[:100]
                yield "broken_link", f'the link "{shown}" {sentence}', "error", piece.start
        if piece.name in _IMAGES:
            yield from _image(said, piece.start)


def _attributes(piece: Piece) -> dict[str, str]:
    return {
        match[1].lower(): entities.unescape(next((group for group in match.groups()[2:] if group is not None), ""))
        for match in ATTRIBUTE.finditer(piece.attributes)
    }


def _broken(href: str) -> str | None:
    """What is wrong with a link's address; what begins with Liquid is only known later."""
    url = href.strip()
    if PLACEHOLDER.match(url) or _OTHER_SCHEMES.match(url):
        return None
    if url in ("", "#") or re.fullmatch(
        r"https?:/*|(?:https?:/*)?(?:todo|xxx+|placeholder|link|url)", url, re.IGNORECASE
    ):
        return "leads nowhere: give it its address"
    if url.startswith("#"):
        return None
    scheme = re.match(r"([a-z][a-z0-9+.-]*):", url, re.IGNORECASE)
    if scheme is None:
        return "is relative, and a mail has no page that it could belong to: begin it with https://"
    if scheme[1].lower() not in ("http", "https"):
        return f"begins with {scheme[0]}, which mail clients do not open: begin it with https://"
    return None if addresses.is_web(PLACEHOLDER.sub("x", url)) else "is no complete web address: mend it"


def _image(said: dict[str, str], at: int) -> Iterator[_Found]:
    src = said.get("src", "").strip()
    if "alt" not in said:
        sentence = 'this image has no alt="": say what it shows, or leave it empty for decoration'
        yield "image_without_alt", sentence, "warning", at
    if PLACEHOLDER.match(src) or _INLINE_IMAGE.match(src):
        return
    if src.lower().startswith("http://"):
        sentence = "this image comes over http, which clients block or mark as unsafe: use https"
        yield "insecure_image", sentence, "warning", at
    elif not addresses.is_web(PLACEHOLDER.sub("x", src)) and not src.lower().startswith("cid:"):
        yield "broken_image", "this image has no complete address: begin src with https://", "error", at


def _open(masked: Masked, document: list[Piece]) -> Iterator[_Found]:
    """Elements without an end. What branches of Liquid open is left alone: only one of them is shown."""
    stack: list[Piece] = []
    waiting: Counter[str] = Counter()
    depth = 0
    for piece in document:
        for token in masked.tokens_of(piece.source):
            if token.kind == "tag" and token.name in ("if", "unless", "case", "endif", "endunless", "endcase"):
                depth += -1 if token.name.startswith("end") else 1
        if piece.kind != "tag" or piece.name not in _CLOSED or piece.attributes.rstrip().endswith("/"):
            continue
        if not piece.closing and depth == 0:
            stack.append(piece)
            waiting[piece.name] += 1
        elif piece.closing and waiting[piece.name]:
            while stack[-1].name != piece.name:
                waiting[stack[-1].name] -= 1
                yield _unclosed(stack.pop())
            waiting[stack.pop().name] -= 1
    for piece in stack:
        yield _unclosed(piece)


def _unclosed(piece: Piece) -> _Found:
    sentence = f"<{piece.name}> has no end: add </{piece.name}>, or what follows looks like it"
    return "unclosed_tag", sentence, "warning", piece.start
