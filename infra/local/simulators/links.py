"""What a reader's mail program would find in a message: links, images, and where to unsubscribe."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from .mailbox import Mail, Rendered

_HREF = re.compile(r"<a\b[^>]*?\bhref\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_SRC = re.compile(r"<img\b[^>]*?\bsrc\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
# Telephones make links of addresses in a text; what ends a sentence is no part of one.
_TEXT = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)]")
_LIST_URL = re.compile(r"<(https?://[^>]+)>")


def of(rendered: Rendered, mail: Mail) -> dict[str, Any]:
    """`links` and `images` in order, without repeats; `unsubscribe` is the web address of List-Unsubscribe, if any."""
    names = {name.lower(): value for name, value in mail.headers}
    address = _LIST_URL.search(names.get("list-unsubscribe", ""))
    one_click = "one-click" in names.get("list-unsubscribe-post", "").lower()
    return {
        "links": _web(_HREF, rendered.html) if rendered.html else list(dict.fromkeys(_TEXT.findall(rendered.text))),
        "images": _web(_SRC, rendered.html),
        "unsubscribe": address.group(1) if address else None,
        "one_click": one_click,
    }


def _web(pattern: re.Pattern[str], html: str) -> list[str]:
    found = (unescape(first or second).strip() for first, second in pattern.findall(html))
    return list(dict.fromkeys(url for url in found if url.startswith(("http://", "https://"))))
