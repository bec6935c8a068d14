"""Addresses that are data of the sender's: a campaign's `{{ content.cta_link }}`, a product's `{{ product.url }}`.

A tracked link's target must be known when a send is compiled. A campaign's content is frozen at launch, so its
addresses are written into the template before it is compiled. Products are frozen, too, but stand in loops: each
product's address gets a number of its own, and the mail shows the tracked address as its `url`
(drumbeat.sends.rendering).
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import PLACEHOLDER, Masked, Token

PRODUCT_LISTS = ("products", "content.products", "personalized_products")
RESERVED_URLS = frozenset({"unsubscribe_url", "preferences_url", "click_base", "open_url"})
"""Addresses that are each recipient's own: no content replaces them."""
SAMPLE = "https://campaign.example/"
"""Stands for addresses of campaigns while a template is only checked."""
# Signs that turn the direction of reading hide where a link leads. Noncharacters, too: data is no text that was
# scanned, and placeholders are made of them.
_UNFIT = re.compile(r"[\x00-\x20\x7f-\x9f\u2028-\u202e\u2066-\u2069\\\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
_PLAIN = re.compile(r"([A-Za-z_][\w.-]*)(?:\s*\|\s*default:\s*(\"[^\"]*\"|'[^']*'))?")
_FOR = re.compile(r"\{%-?\s*for\s+([\w-]+)\s+in\s+([\w.-]+)")
_ASSIGN = re.compile(r"\{%-?\s*assign\s+([\w-]+)\s*=\s*([\w.-]+)")

Find = Callable[[str], str | None]


def is_web(url: str) -> bool:
    """A complete http(s) address."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not _UNFIT.search(url)
    except ValueError:
        return False


def product_urls(masked: Masked) -> frozenset[str]:
    """The outputs (`product.url`) that are the address of a product in a loop over products."""
    lists, found = set(PRODUCT_LISTS), set()
    for token in masked.tokens:
        assigned = _ASSIGN.match(token.source)
        if assigned and assigned[2] in lists:
            lists.add(assigned[1])
        loop = _FOR.match(token.source)
        if loop and loop[2] in lists:
            found.add(f"{loop[1]}.url")
    return frozenset(found)


def settle_html(masked: Masked, address_of: Find) -> str:
    """HTML source whose links that begin with data of the campaign have their addresses."""

    def one(piece: Piece) -> str:
        if piece.kind != "tag" or piece.closing or piece.name not in ("a", "area"):
            return piece.source

        def attribute(match: re.Match[str]) -> str:
            value = next((group for group in match.groups()[2:] if group is not None), None)
            if match[1].lower() != "href" or value is None:
                return match[0]
            first = PLACEHOLDER.match(value.strip())
            url = _settled(masked.tokens[int(first[1])], address_of) if first else None
            if first is None or url is None:
                return match[0]
            rest = value.strip()[first.end() :]
            return f'{match[1]}="{html.escape(url)}{rest}"'

        head = piece.source[: len(piece.source) - len(piece.attributes) - 1]
        return f"{head}{ATTRIBUTE.sub(attribute, piece.attributes)}>"

    return masked.restore("".join(one(piece) for piece in pieces(masked.text)))


def settle_text(masked: Masked, address_of: Find) -> str:
    """Text source with the addresses of the campaign."""

    def put(match: re.Match[str]) -> str:
        token = masked.tokens[int(match[1])]
        return _settled(token, address_of) or token.source

    return PLACEHOLDER.sub(put, masked.text)


def _settled(token: Token, address_of: Find) -> str | None:
    """The web address that an output stands for."""
    match = _PLAIN.fullmatch(token.expression) if token.kind == "output" else None
    if not match:
        return None
    if match[1] in RESERVED_URLS:
        return None
    url = address_of(match[1]) or (match[2] or "")[1:-1]
    return url if is_web(url) else None


def of(variables: Mapping[str, object]) -> Find:
    """The addresses among a campaign's variables, by their dotted paths."""

    def find(path: str) -> str | None:
        found: object = variables
        for word in path.split("."):
            found = found.get(word) if isinstance(found, Mapping) else None
        return found if isinstance(found, str) and is_web(found) else None

    return find


def assumed(names: frozenset[str]) -> Find:
    """For a template that is checked without a campaign: what it declares will have an address."""
    return lambda path: SAMPLE + path if path.partition(".")[0] in names | {"content"} else None
