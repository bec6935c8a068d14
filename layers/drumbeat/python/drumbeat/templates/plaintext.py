"""The text part, made from the HTML when the author gives none."""

from __future__ import annotations

import html
import re

from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import NO_TRACK, PLACEHOLDER, Masked

_PARAGRAPH = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "table", "blockquote", "pre"})
_LINE = frozenset({"div", "tr", "section", "article", "header", "footer", "address", "center", "br", "dt", "dd"})
_WRITING = frozenset({"echo", "cycle", "increment", "decrement"})
_TAGS_ALONE = re.compile(rf"^((?: *{PLACEHOLDER.pattern})+) *\n+", re.MULTILINE)
_UNSEEN = frozenset({"head", "title", "noscript", "template"})


def derive_text(masked: Masked) -> Masked:
    """Masked text with the HTML's tokens: links as "words (address)", list bullets, blank lines around headings."""
    return Masked("text", _Deriver(masked).derive(), masked.tokens)


class _Deriver:
    def __init__(self, masked: Masked) -> None:
        self.masked = masked
        self.out: list[str] = []
        self.unseen: list[str] = []
        self.anchors: list[tuple[str, int]] = []
        self.for_outlook = False

    def derive(self) -> str:
        for piece in pieces(self.masked.text):
            if piece.kind == "hidden" and piece.source.startswith(("<!--", "<![endif]")):
                self.for_outlook = not piece.source.endswith("-->")
            if self.for_outlook:
                # A comment to everybody else.
                self._keep_tags(piece.source)
            elif piece.kind == "tag":
                self._tag(piece)
            elif piece.kind == "text" and not self.unseen:
                text = re.sub(r"[ \t\r\n\f]+", " ", html.unescape(piece.source))
                # `&#123;&#123;` is text, not Liquid.
                self.out.append(text.replace("{{", "{ {").replace("{%", "{ %"))
            else:
                self._keep_tags(piece.source)
        return self._closed_up(_tidy("".join(self.out)))

    def _keep_tags(self, source: str) -> None:
        """What is not shown may still assign variables, or open a block that closes elsewhere."""
        self.out += [match[0] for match in PLACEHOLDER.finditer(source) if self._is_silent(match[0])]

    def _is_silent(self, placeholders: str) -> bool:
        """Whether these are tags that write nothing by themselves."""
        return all(it.kind == "tag" and it.name not in _WRITING for it in self.masked.tokens_of(placeholders))

    def _closed_up(self, text: str) -> str:
        """Lines that hold nothing but such tags begin the next one, or they would leave blank lines."""
        return _TAGS_ALONE.sub(lambda match: match[1] if self._is_silent(match[1]) else match[0], text)

    def _tag(self, piece: Piece) -> None:
        name = piece.name
        self._keep_tags(piece.attributes)
        if name in _UNSEEN:
            self._unseen(piece)
        elif self.unseen:
            return
        elif name == "a":
            self._close_anchor() if piece.closing else self._open_anchor(piece)
        elif name in _PARAGRAPH:
            self.out.append("\n\n")
        elif name in _LINE:
            self.out.append("\n")
        elif name == "li":
            self.out.append("" if piece.closing else "\n- ")
        elif name in ("td", "th"):
            self.out.append(" ")
        elif name == "hr":
            self.out.append("\n\n----\n\n")
        elif name == "img":
            self.out.append(_attribute(piece, "alt"))

    def _unseen(self, piece: Piece) -> None:
        if not piece.closing:
            self.unseen.append(piece.name)
        elif piece.name in self.unseen:
            del self.unseen[self.unseen.index(piece.name) :]

    def _open_anchor(self, piece: Piece) -> None:
        url = _attribute(piece, "href")
        if not re.match(rf"https?://|{PLACEHOLDER.pattern}", url, re.IGNORECASE):
            url = ""
        self.anchors.append((NO_TRACK * ("data-no-track" in piece.attributes.lower()) + url, len(self.out)))

    def _close_anchor(self) -> None:
        if not self.anchors:
            return
        url, start = self.anchors.pop()
        words = "".join(self.out[start:]).strip()
        if not url.strip(NO_TRACK):
            return
        if words in ("", url, url.strip(NO_TRACK)):
            self.out[start:] = [url]
        else:
            self.out.append(f" ({url})")


def _attribute(piece: Piece, name: str) -> str:
    for match in ATTRIBUTE.finditer(piece.attributes):
        if match[1].lower() == name:
            return html.unescape(match[3] or match[4] or match[5] or "").strip()
    return ""


def _tidy(text: str) -> str:
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
