"""Findings about a template that compiles: what would embarrass its sender. Nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from drumbeat.templates.engine import RESERVED, Compiled
from drumbeat.templates.lint_html import MOST, Finding, elements
from drumbeat.templates.markup import pieces, strip_markup
from drumbeat.templates.source import PLACEHOLDER, mask

__all__ = ["GMAIL_CLIP", "Finding", "Source", "is_responsive", "lint"]

GMAIL_CLIP = 102_000
"""Bytes of HTML after which Gmail hides the rest, with the unsubscribe link, behind "View entire message"."""
MOST_SUBJECT = 70
"""Characters of a subject that a desktop client shows (a telephone shows about 40)."""
LEAST_WORDS = 40
"""Characters of text without which a mail is nothing but pictures."""
LEAST_TEXT = 10
"""Letters of a text part without which it says nothing."""

_SENTENCES = {
    "unsubscribe_url": ("missing_unsubscribe", "there was no unsubscribe link; the standard footer has one"),
    "postal_address": ("missing_postal_address", "there was no postal address; the standard footer has it"),
}
_FRAGMENT = re.compile(r"\{\{f\d+\}\}")
_PREHEADER = re.compile(r"class\s*=\s*[\"'][^\"']*(?:preheader|preview)|display\s*:\s*none", re.IGNORECASE)
_VIEWPORT = re.compile(r"<meta[^<>]+viewport", re.IGNORECASE)
_FLUID = re.compile(r"@media|max-width|width\s*[:=]\s*[\"']?100%", re.IGNORECASE)
_FIXED = re.compile(r"<(?:table|td|div|img)\b[^<>]*\bwidth\s*=\s*[\"']?(\d{3,4})(?:px)?[\"'\s>]", re.IGNORECASE)
_SHOUTING = re.compile(r"[A-Z]{2,}(?:\W+[A-Z]{2,}){2,}")
_MARKS = re.compile(r"[!?]{2,}|[$€£৳]{2,}|^\s*(?:re|fw|fwd)\s*:|100\s?% free|click here|act now", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """What the author wrote: for the places of findings. `field` is html or mjml."""

    field: str
    markup: str
    subject: str
    text: str | None = None


def lint(
    compiled: Compiled, declared_variables: Collection[str], source: Source, rendered: str | None = None
) -> list[Finding]:
    """All findings, errors first and in the order of lines. `declared_variables` are names or dotted paths; a name
    covers what is below it. `rendered` is the HTML of a recipient, if there is one."""
    size = len(rendered.encode()) if rendered is not None else _size(compiled)
    found = [
        *(_missing(compiled, name, source.field) for name in _SENTENCES if _lacks(compiled, name)),
        *_unknown(compiled, declared_variables, source),
        *_heavy(size, source.field),
        *elements(source.field, source.markup),
        *_no_text(source),
        *_whole(source.field, compiled.html),
        *_subject(source.subject),
    ]
    rank = {"error": 0, "warning": 1, "hint": 2}
    return sorted(found, key=lambda finding: (rank[finding.severity], finding.line or 0))


def is_responsive(html: str) -> bool:
    """Whether the mail can be read on a telephone: it says how wide it is, adapts, and has nothing wider than 640."""
    return bool(_VIEWPORT.search(html) and _FLUID.search(html)) and not _too_wide(html)


def _too_wide(html: str) -> int | None:
    return next((int(match[1]) for match in _FIXED.finditer(html) if int(match[1]) > 640), None)


def _size(compiled: Compiled) -> int:
    """Bytes of the HTML with what is the same for everyone."""
    constant = sum(
        len(text.encode()) * compiled.html.count(f"{{{{{name}}}}}") for name, text in compiled.constants.items()
    )
    return len(_FRAGMENT.sub("", compiled.html).encode()) + constant


def _heavy(size: int, field: str) -> list[Finding]:
    if size <= GMAIL_CLIP:
        return []
    sentence = (
        f"the HTML has {size // 1000} KB with its footer; Gmail clips beyond {GMAIL_CLIP // 1000} KB, and the "
        "unsubscribe link with it: shorten it"
    )
    return [Finding("heavy_mail", sentence, "warning", field)]


def _no_text(source: Source) -> Iterator[Finding]:
    """A text part that says nothing: the author's, or the one that is derived from the author's words."""
    field, said = (source.field, source.markup) if source.text is None else ("text", source.text)
    masked = mask(field, said)
    shows = [token.kind == "output" or token.name == "render" for token in masked.tokens]
    words = strip_markup(PLACEHOLDER.sub(lambda match: "some words" * shows[int(match[1])], masked.text))
    if len(re.sub(r"\W", "", words)) < LEAST_TEXT:
        sentence = "the text part says nothing: write `text`, for those who read no HTML"
        yield Finding("missing_text", sentence, "warning", "text")


def _whole(field: str, html: str) -> Iterator[Finding]:
    """What is missing from the mail as a whole."""
    visible = [piece for piece in pieces(html) if piece.kind != "hidden"]
    words = "".join(piece.source for piece in visible if piece.kind == "text")
    written = " ".join(_FRAGMENT.sub("word", strip_markup(words)).split())
    images = [piece for piece in visible if piece.kind == "tag" and piece.name == "img"]
    pictures = sum('width="1"' not in piece.attributes for piece in images)  # the pixel is none
    if pictures > 0 and len(written) < LEAST_WORDS:
        sentence = "there is next to no text: write what the pictures say, as many people never see them"
        yield Finding("only_images", sentence, "warning", field)
    head, _, body = html.partition("<body")
    if not _PREHEADER.search(body or head):
        sentence = "begin with a hidden preheader (MJML: <mj-preview>): inboxes show it beside the subject"
        yield Finding("no_preheader", sentence, "hint", field)
    yield from _screens(field, html)


def _screens(field: str, html: str) -> Iterator[Finding]:
    """What telephones and dark mode ask for."""
    if not _VIEWPORT.search(html):
        sentence = (
            'add <meta name="viewport" content="width=device-width, initial-scale=1">, or write MJML: telephones '
        )
        yield Finding("no_viewport", f"{sentence}shrink the mail without it", "hint", field)
    wide = _too_wide(html)
    if wide is not None:
        sentence = f"something is {wide} pixels wide: use max-width, at most 600, so that telephones need not scroll"
        yield Finding("too_wide", sentence, "warning", field)
    if "color-scheme" not in html:
        sentence = 'add <meta name="color-scheme" content="light dark">, and look at the mail in dark mode'
        yield Finding("no_dark_mode", sentence, "hint", field)


def _subject(subject: str) -> Iterator[Finding]:
    plain = PLACEHOLDER.sub("name", mask("subject", subject).text)
    if len(plain) > MOST_SUBJECT:
        sentence = f"the subject has {len(plain)} characters; most inboxes show {MOST_SUBJECT}, telephones 40"
        yield Finding("long_subject", sentence, "hint", "subject", 1)
    marks = _MARKS.search(plain)
    if marks or _SHOUTING.search(plain):
        what = repr(marks[0]) if marks else "capitals"
        sentence = f"{what} in the subject look like spam to filters and readers: say it calmly"
        yield Finding("spammy_subject", sentence, "warning", "subject", 1)


def _unknown(compiled: Compiled, declared: Collection[str], source: Source) -> Iterator[Finding]:
    """Each at the first place that names it; the first `MOST` of them."""
    unknown = [name for name in sorted(compiled.variables) if not _is_known(name, declared)][:MOST]
    parts = (("subject", source.subject), (source.field, source.markup), ("text", source.text or ""))
    tokens = [(field, token) for field, text in parts for token in mask(field, text).tokens] if unknown else []
    for name in unknown:
        word = re.compile(rf"(?<![\w.]){re.escape(name)}(?![\w])")
        at = ((field, token.line) for field, token in tokens if name in token.source and word.search(token.source))
        field, line = next(at, (source.field, None))
        sentence = f"nothing gives a value to {name}: it stays empty; declare it or add `| default:`"
        yield Finding("unknown_variable", sentence, "warning", field, line)


def _lacks(compiled: Compiled, name: str) -> bool:
    return name in compiled.added or name not in compiled.variables


def _missing(compiled: Compiled, name: str, field: str) -> Finding:
    finding, sentence = _SENTENCES[name]
    if name in compiled.added:
        return Finding(finding, sentence, "warning", field)
    return Finding(finding, f"add {{{{ {name} }}}}: every marketing mail must show it", "error", field)


def _is_known(variable: str, declared: Collection[str]) -> bool:
    root = variable.partition(".")[0]
    if root in RESERVED or root in declared or variable in declared:
        return True
    return any(name.startswith(f"{variable}.") or variable.startswith(f"{name}.") for name in declared)
