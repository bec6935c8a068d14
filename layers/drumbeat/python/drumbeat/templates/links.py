"""Links of a template: which are tracked, what a click on them leads to, and what may never be a link.

A tracked link becomes `{{ click_base }}/<number>`; its target stays in the send's link table. Merge fields may stand
only in the query of a tracked target, so its host is the author's. Values that exist only while the template runs (a
loop's product) travel in the tracked address: `…/<number>?v0=<value>`, and `resolve_link` gets them as `carried`.

This module does not import Liquid: the click endpoint resolves links without merge fields without it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from drumbeat.templates import addresses
from drumbeat.templates.limits import MAX_LINKS, TemplateError
from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.parameters import NONE, Parameters
from drumbeat.templates.source import NO_TRACK, PLACEHOLDER, Masked, Token

_URL_ATTRIBUTES = frozenset({"href", "src", "action", "formaction", "background", "poster", "xlink:href"})
_WEB = re.compile(r"https?://", re.IGNORECASE)
_NAMED = re.compile(r"\s*(?:[a-z][a-z0-9+.-]*:|/|#|\?)", re.IGNORECASE)
_REST = r"[^\s<>\"')\]]"
_TEXT_URL = re.compile(rf"({NO_TRACK}?)(https?://{_REST}+)", re.IGNORECASE)
# Telephones make links of these, too: `bit.ly/sale`, `www.shop.example`. Without a path a name may be an abbreviation.
_BARE = rf"(?<![\w@./:-])(?:www\.[a-z0-9-]{{1,63}}\.|(?:[a-z0-9-]{{1,63}}\.){{1,8}}[a-z]{{2,24}}/){_REST}*"
_SHORT_URL = re.compile(rf"({NO_TRACK}?)(https?://{_REST}+|{_BARE})", re.IGNORECASE)
_BEHIND = ".,;:!?\u0964"
_ENCODED = re.compile(r"\|\s*url_encode\s*$")
_FIELD = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Link:
    """A tracked link: its number in this compilation, from 1, and its target with `{{ … }}` in the query at most."""

    number: int
    url_template: str


class LinkTable:
    """Numbers the targets of one template; the same target has the same number in HTML and text, and in every language
    of a send, whose earlier targets are `known`."""

    def __init__(self, *, tracked: bool, known: Sequence[str] = (), parameters: Parameters = NONE) -> None:
        self.tracked, self.parameters = tracked, parameters
        self._numbers: dict[str, int] = {url: number for number, url in enumerate(known, 1)}
        self._bound: dict[str, frozenset[str]] = {}
        self._product_urls: dict[str, frozenset[str]] = {}

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

    def is_product(self, masked: Masked, token: Token) -> bool:
        """Whether an output is the address of a product in a loop over products."""
        if masked.field not in self._product_urls:
            self._product_urls[masked.field] = addresses.product_urls(masked)
        return token.expression in self._product_urls[masked.field]

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
        if not addresses.is_web(PLACEHOLDER.sub("x", url)):
            raise refuse("this is not a web address")


def rewrite_html(masked: Masked, table: LinkTable) -> str:
    """HTML source with tracked links, and with data in addresses confined to safe schemes."""
    found = pieces(masked.text)
    return masked.restore("".join(_rewrite_tag(masked, it, table) if it.kind == "tag" else it.source for it in found))


def _rewrite_tag(masked: Masked, piece: Piece, table: LinkTable) -> str:
    if piece.closing or "=" not in piece.attributes:
        return piece.source
    ours = piece.name in ("a", "area") and "data-no-track" not in piece.attributes.lower()
    tracked = table.tracked and ours

    def attribute(match: re.Match[str]) -> str:
        value = next((group for group in match.groups()[2:] if group is not None), None)
        if value is None:
            return match[0]
        name = match[1].lower()
        if ours and name == "href" and _WEB.match(value.strip()):
            url = html.unescape(value.strip())
            target = table.parameters.on(url)
            if tracked:
                source = table.track(masked, target, piece.start)
                return f'{match[1]}="{source.replace("&", "&amp;")}"'
            if target != url:
                return f'{match[1]}="{html.escape(target)}"'
        if not PLACEHOLDER.search(value):
            return match[0]
        if name in _URL_ATTRIBUTES:
            tracking = table if tracked and name == "href" else None
            return f'{match[1]}="{_confined(masked, value, tracking, piece.start)}"'
        # A value without quotes would let data add attributes of its own.
        return match[0] if match[5] is None else f'{match[1]}="{value}"'

    head = piece.source[: len(piece.source) - len(piece.attributes) - 1]
    return f"{head}{ATTRIBUTE.sub(attribute, piece.attributes)}>"


def _confined(masked: Masked, value: str, tracking: LinkTable | None, position: int) -> str:
    """An address that data begins: `link_url` lets only web addresses, paths, mailto: and tel: through. `tracking` is
    where the address would be numbered, were it tracked."""
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
    if token.expression in addresses.RESERVED_URLS:
        return value
    if tracking and not tracking.is_product(masked, token):
        raise refuse("a tracked link needs its host in the template; data-no-track sends it untracked")
    return f"{{{{ {token.expression} | link_url }}}}{value[first.end() :]}"


def rewrite_text(masked: Masked, table: LinkTable, *, short: bool = False) -> str:
    """Text source with tracked web addresses. In a `short` message those that begin without https:// are some, too,
    and where none is tracked all stay as they were written."""

    def address(match: re.Match[str]) -> str:
        if match[1] or (short and not table.tracked):
            return match[2]
        url = match[2].rstrip(_BEHIND)
        target = table.parameters.on(url if _WEB.match(url) else f"https://{url}")
        return (table.track(masked, target, match.start()) if table.tracked else target) + match[2][len(url) :]

    known = _SHORT_URL if short else _TEXT_URL
    return masked.restore(known.sub(address, masked.text).replace(NO_TRACK, ""))


def resolve_link(url_template: str, data: Mapping[str, object]) -> str:
    """Where a click leads. `data` is the recipient's, with the click's own query as `carried` (see the module).

    Raises TemplateError when a field cannot be rendered or the result left the template's host.
    """
    if "{{" not in url_template:
        return url_template
    # Only here, for the click endpoint's cold start.
    from drumbeat.templates.language import evaluate

    url = _FIELD.sub(lambda match: quote(evaluate(match[1].strip(), data), safe=""), url_template)
    if not addresses.is_web(url) or urlsplit(url).netloc != urlsplit(_FIELD.sub("x", url_template)).netloc:
        raise TemplateError("html", "the link leads to another host with this recipient's data")
    return url
