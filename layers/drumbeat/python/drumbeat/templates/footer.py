"""What every marketing mail carries: a way out, a postal address, and a pixel where opens are counted.

Unsubscribe link and postal address are demanded by law (CAN-SPAM, among others) and by the large mailbox providers.
"""

from __future__ import annotations

import re
from types import MappingProxyType

from drumbeat.templates.markup import pieces
from drumbeat.templates.source import Masked

REQUIRED = ("unsubscribe_url", "postal_address")
_WORDS = MappingProxyType({"en": "Unsubscribe", "bn": "সাবস্ক্রিপশন বাতিল করুন"})
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?:-->|\Z))", re.DOTALL)
_BODY_END = re.compile(r"</body\s*>", re.IGNORECASE)
_PIXEL = '<img src="{{ open_url }}" width="1" height="1" alt="" style="display:block;border:0">'


def missing(masked: Masked) -> tuple[str, ...]:
    """Which of the required variables the part does not always show: within a block it might be left out."""
    shown: set[str] = set()
    # What is for Outlook only is a comment to everybody else.
    document = _COMMENT.sub("", masked.text)
    visible = "".join(piece.source for piece in pieces(document) if piece.kind != "hidden")
    for token in masked.tokens_of(visible):
        if token.kind == "output" and token.depth == 0:
            shown |= token.words()
    return tuple(name for name in REQUIRED if name not in shown)


def with_html_footer(masked: Masked, language: str) -> str:
    """HTML source with what is missing."""
    lacks = missing(masked)
    if not lacks:
        return masked.restore(masked.text)
    lines = []
    if "postal_address" in lacks:
        lines.append("{{ postal_address }}")
    if "unsubscribe_url" in lacks:
        lines.append(f'<a href="{{{{ unsubscribe_url }}}}" style="color:#666">{_word(language)}</a>')
    style = "margin:24px 0 0;font:12px/1.5 sans-serif;color:#666;text-align:center"
    return _before_body_end(masked, f'<p style="{style}">{"<br>".join(lines)}</p>')


def with_text_footer(masked: Masked, language: str) -> str:
    """Text source with what is missing."""
    lacks = missing(masked)
    text = masked.restore(masked.text)
    if not lacks:
        return text
    lines = ["{{ postal_address }}"] * ("postal_address" in lacks)
    lines += [f"{_word(language)}: {{{{ unsubscribe_url }}}}"] * ("unsubscribe_url" in lacks)
    return text.rstrip() + "\n\n--\n" + "\n".join(lines) + "\n"


def with_pixel(masked: Masked) -> str:
    """HTML source that reports its opening."""
    return _before_body_end(masked, _PIXEL)


def _before_body_end(masked: Masked, addition: str) -> str:
    ends = list(_BODY_END.finditer(masked.text))
    at = ends[-1].start() if ends else len(masked.text)
    return masked.restore(masked.text[:at]) + addition + masked.restore(masked.text[at:])


def _word(language: str) -> str:
    return _WORDS.get(language[:2].lower(), _WORDS["en"])
