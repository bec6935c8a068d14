"""Links of a template: which are tracked, what a click on them leads to, and what may never be a link.

A tracked link becomes `{{ click_base }}/<number>`; its target stays in the send's link table. Merge fields may stand
only in the query of a tracked target, so its host is the author's. Values that exist only while the template runs (a
loop's product) travel in the tracked address: `…/<number>?v0=<value>`, and `resolve_link` gets them as `carried`.

This module does not import Liquid: the click endpoint resolves links without merge fields without it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from drumbeat.templates.limits import MAX_LINKS, TemplateError
from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import NO_TRACK, PLACEHOLDER, Masked

RESERVED_URLS = frozenset({"unsubscribe_url", "preferences_url", "click_base", "open_url"})
_URL_ATTRIBUTES = frozenset({"href", "src", "action", "formaction", "background", "poster", "xlink:href"})
_WEB = re.compile(r"https?://", re.IGNORECASE)
_NAMED = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|/|#|\?)", re.IGNORECASE)
_TEXT_URL = re.compile(rf"({NO_TRACK}?)(https?://[^\s<>\"')\]]+)", re.IGNORECASE)
_ENCODED = re.compile(r"\|\s*url_encode\s*$")
_FIELD = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Link:
    """A tracked link: its number in this compilation, from 1, and its target with `{{ … }}` in the query at most."""

    number: int
    url_template: str


class LinkTable:
    """Numbers the targets of one template; the same target has the same number in HTML and text."""

    def __init__(self, *, tracked: bool) -> None:
        self.tracked = tracked
        self._numbers: dict[str, int] = {}
        self._bound: dict[str, frozenset[str]] = {}

    def links(self) -> tuple[Link, ...]:
        return tuple(Link(number, url) for url, number in self._numbers.items())

    def track(self, masked: Masked, url: str, position: int) -> str:
        """Source of the tracked address for a masked target. TemplateError naming the link that cannot be tracked."""
        self._check(masked, url, position)
        if masked.field not in self._bound:
            self._bound[masked.field] = masked.local_names()
        bound = self._bound[masked.field]
        carried: list[str] = []

        def field(match: re.Match[str]) -> str:
            token = masked.tokens[int(match[1])]
            expression = _ENCODED.sub("", token.expression).strip()
            if not token.words() & bound:
                return f"{{{{ {expression} }}}}"
            carried.append(f"v{len(carried)}={{{{ {expression} | url_encode }}}}")
            return f"{{{{ carried.v{len(carried) - 1} }}}}"

        target = PLACEHOLDER.sub(field, url)
        number = self._numbers.setdefault(target, len(self._numbers) + 1)
        if number > MAX_LINKS:
            raise TemplateError(masked.field, f"more than {MAX_LINKS} different links", masked.line(position))
        return f"{{{{ click_base }}}}/{number}" + ("?" + "&".join(carried) if carried else "")

    def _check(self, masked: Masked, url: str, position: int) -> None:
        head, _, query = url.partition("?")

        def refuse(sentence: str) -> TemplateError:
            return TemplateError(
                masked.field, f"the link {masked.restore(url)[:200]}: {sentence}", masked.line(position)
            )

        if any(token.kind != "output" for token in masked.tokens_of(url)):
            raise refuse("put Liquid tags around the link, not into it")
        if PLACEHOLDER.search(head) or PLACEHOLDER.search(query.partition("#")[2]):
            raise refuse("merge fields may stand only after the ?; data-no-track sends the link untracked")
        if not _is_web_address(PLACEHOLDER.sub("x", url)):
            raise refuse("this is not a web address")


def rewrite_html(masked: Masked, table: LinkTable) -> str:
    """HTML source with tracked links, and with data in addresses confined to safe schemes."""
    found = pieces(masked.text)
    return masked.restore("".join(_rewrite_tag(masked, it, table) if it.kind == "tag" else it.source for it in found))


def _rewrite_tag(masked: Masked, piece: Piece, table: LinkTable) -> str:
    if piece.closing or "=" not in piece.attributes:
        return piece.source
    anchor = piece.name in ("a", "area")
    tracked = table.tracked and anchor and "data-no-track" not in piece.attributes.lower()

    def attribute(match: re.Match[str]) -> str:
        value = next((group for group in match.groups()[2:] if group is not None), None)
        if value is None:
            return match[0]
        name = match[1].lower()
        if tracked and name == "href" and _WEB.match(value.strip()):
            source = table.track(masked, html.unescape(value.strip()), piece.start)
            return f'{match[1]}="{source.replace("&", "&amp;")}"'
        if not PLACEHOLDER.search(value):
            return match[0]
        if name in _URL_ATTRIBUTES:
            return f'{match[1]}="{_confined(masked, value, tracked and name == "href", piece.start)}"'
        # A value without quotes would let data add attributes of its own.
        return match[0] if match[5] is None else f'{match[1]}="{value}"'

    head = piece.source[: len(piece.source) - len(piece.attributes) - 1]
    return f"{head}{ATTRIBUTE.sub(attribute, piece.attributes)}>"


def _confined(masked: Masked, value: str, tracked: bool, position: int) -> str:
    """An address that data begins: `link_url` lets only web addresses, paths, mailto: and tel: through."""
    first = PLACEHOLDER.search(value)
    if first is None or _NAMED.match(value[: first.start()]):
        return value.replace('"', "&quot;")
    token = masked.tokens[int(first[1])]

    def refuse(sentence: str) -> TemplateError:
        return TemplateError(masked.field, f"the link {masked.restore(value)[:200]}: {sentence}", masked.line(position))

    if value[: first.start()].strip():
        raise refuse("begin it with https://")
    if token.kind != "output":
        raise refuse("put Liquid tags around the element, not into the address")
    if token.expression in RESERVED_URLS:
        return value
    if tracked:
        raise refuse("a tracked link needs its host in the template; data-no-track sends it untracked")
    return f"{{{{ {token.expression} | link_url }}}}{value[first.end() :]}"


def rewrite_text(masked: Masked, table: LinkTable) -> str:
    """Text source with tracked web addresses."""

    def address(match: re.Match[str]) -> str:
        if match[1] or not table.tracked:
            return match[2]
        url = match[2].rstrip(".,;:!?")
        return table.track(masked, url, match.start()) + match[2][len(url) :]

    return masked.restore(_TEXT_URL.sub(address, masked.text).replace(NO_TRACK, ""))


def resolve_link(url_template: str, data: Mapping[str, object]) -> str:
    """Where a click leads. `data` is the recipient's, with the click's own query as `carried` (see the module).

    Raises TemplateError when a field cannot be rendered or the result left the template's host.
    """
    if "{{" not in url_template:
        return url_template
    # Only here, for the click endpoint's cold start.
    from drumbeat.templates.language import evaluate

    url = _FIELD.sub(lambda match: quote(evaluate(match[1].strip(), data), safe=""), url_template)
    if not _is_web_address(url) or urlsplit(url).netloc != urlsplit(_FIELD.sub("x", url_template)).netloc:
        raise TemplateError("html", "the link leads to another host with this recipient's data")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not _UNFIT.search(url)
    except ValueError:
        return False
