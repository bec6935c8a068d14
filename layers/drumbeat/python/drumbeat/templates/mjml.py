"""MJML sources become HTML when they are saved or previewed, never while a mail is sent.

The compiler (mrml, https://github.com/jdrouet/mrml) knows no Liquid, passes unknown elements through, and dies of deep
nesting. So this module masks the Liquid, looks for mistakes first and names their line, and afterwards makes sure that
every tag of Liquid is still there, in its order.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections import Counter
from collections.abc import Iterator

from drumbeat.templates.limits import MAX_DEPTH, TemplateError
from drumbeat.templates.markup import Piece, pieces
from drumbeat.templates.source import CLOSE, OPEN, PLACEHOLDER, Masked, mask

FIELD = "mjml"
MAX_GIVEN = 10_000_000
"""Characters of attributes that elements give to others, times elements: each may have them all."""
MAX_CAROUSEL = 20
"""Images of carousels: their style sheet grows with the square."""
_HEAD = frozenset({
    "mj-attributes", "mj-breakpoint", "mj-font", "mj-html-attributes", "mj-preview", "mj-style", "mj-title",
})  # fmt: skip
_CONTENT = frozenset({
    "mj-accordion", "mj-button", "mj-carousel", "mj-divider", "mj-image", "mj-navbar", "mj-social", "mj-spacer",
    "mj-table", "mj-text",
})  # fmt: skip
# Where an element may stand (https://documentation.mjml.io). What is not named here may stand anywhere.
_INSIDE = {
    "mj-head": ("mjml",), "mj-body": ("mjml",), **dict.fromkeys(_HEAD, ("mj-head",)),
    "mj-wrapper": ("mj-body",), "mj-section": ("mj-body", "mj-wrapper"), "mj-hero": ("mj-body", "mj-wrapper"),
    "mj-group": ("mj-section",), "mj-column": ("mj-section", "mj-group"),
    **dict.fromkeys(_CONTENT, ("mj-column", "mj-hero")),
}  # fmt: skip
# Elements whose attributes others have, too; so do those in mj-attributes.
_GIVING = frozenset({"mj-social", "mj-navbar", "mj-accordion", "mj-accordion-element", "mj-carousel"})
# Elements that hold HTML.
_HTML_INSIDE = frozenset({
    "mj-text", "mj-button", "mj-table", "mj-raw", "mj-style", "mj-preview", "mj-title", "mj-navbar-link",
    "mj-social-element", "mj-accordion-title", "mj-accordion-text",
})  # fmt: skip
_KNOWN = frozenset(_INSIDE) | {
    "mjml", "mj-raw", "mj-all", "mj-class", "mj-include", "mj-accordion-element", "mj-accordion-title",
    "mj-accordion-text", "mj-carousel-image", "mj-navbar-link", "mj-social-element", "mj-selector",
    "mj-html-attribute",
}  # fmt: skip
_POSITION = re.compile(r"(.*?)(?: in root template)? at position (\d+)")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_UNSAFE = re.compile(rf"{PLACEHOLDER.pattern}|[^\x20-\x7e{OPEN}{CLOSE}]+|\\+")
_FOREIGN = re.compile(rf"{PLACEHOLDER.pattern}|[^\x00-\x7f{OPEN}{CLOSE}]+")
_CUT = "<!--cut-->"


def to_html(source: str, language: str = "en", field: str = FIELD) -> str:
    """A whole MJML document as HTML. Raises TemplateError naming the element and its line."""
    masked = mask(field, source)
    _check(masked)
    made = _compiled(masked, masked.text)
    html = made.replace('lang="und"', f'lang="{language}"')
    _require_all(masked, html)
    return masked.restore(html)


def block_to_html(source: str, field: str = FIELD) -> tuple[str, str]:
    """A block in MJML: elements of a body, or of a column. Gives the styles that it needs in a head, and its HTML."""
    masked = mask(field, source)
    first = next((piece.name for piece in pieces(masked.text) if piece.kind == "tag"), "")
    if first in ("mjml", "mj-head", "mj-body"):
        raise TemplateError(field, f"a block is a part of a body: leave <{first}> out", 1)
    cut = f"<mj-raw>{_CUT}</mj-raw>"
    inner = f"{cut}{masked.text}{cut}"
    if first in _CONTENT:
        inner = f"<mj-section><mj-column>{inner}</mj-column></mj-section>"
    whole = f"<mjml><mj-body>{inner}</mj-body></mjml>"
    _check(Masked(field, whole, masked.tokens))
    made = _compiled(masked, whole)
    _, body, _ = made.split(_CUT)
    _require_all(masked, body)
    styles = re.findall(r"<style.*?</style>", made[: made.index("</head>")], re.DOTALL)
    # The first style is the same in every document: the reset that the template has, too.
    needed = "".join(style for style in styles if "mj-column" in style)
    return needed, masked.restore(body)


def _compiled(masked: Masked, text: str) -> str:
    import mjml  # only functions that save or preview come here

    words = _Words(text)
    try:
        return words.back(str(mjml.mjml2html(words.text, disable_comments=False)))
    except BaseException as error:
        # A panic of the compiler is no Exception; anything else that is none ends the process.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        told = _POSITION.match(str(error))
        line = words.text.count("\n", 0, int(told[2])) + 1 if told and text is masked.text else None
        sentence = told[1] if told else 'write every attribute of an element as name="value"'
        raise TemplateError(masked.field, f"MJML: {sentence}", line) from None


class _Words:
    """The text with words in place of what the compiler does not leave alone: the HTML within elements, of which it
    wants XML; placeholders; letters other than ASCII, over which its parser trips; and in attributes controls, too,
    which it escapes as Rust does (`\\u{200d}`)."""

    def __init__(self, text: str) -> None:
        self.prefix = "liquid"
        while self.prefix in text:
            self.prefix += "q"
        self.kept: list[str] = []
        self.text = "".join(self._outer(text))

    def _outer(self, text: str) -> Iterator[str]:
        inside, inner = "", []
        for piece in pieces(text):
            if inside and not (piece.closing and piece.name == inside):
                inner.append(piece.source)
                continue
            if inner:
                whole = "".join(inner)
                # Lines are counted in the compiler's errors.
                yield self._word(whole) + "n" + "\n" * whole.count("\n")
                inside, inner = "", []
            yield self._piece(piece)
            opens = piece.kind == "tag" and not piece.closing and not piece.attributes.rstrip().endswith("/")
            inside = piece.name if opens and piece.name in _HTML_INSIDE else ""

    def _piece(self, piece: Piece) -> str:
        if piece.kind != "tag" or not piece.attributes:
            return _FOREIGN.sub(lambda match: self._word(match[0]), piece.source)
        head = piece.source[: len(piece.source) - len(piece.attributes) - 1]
        quoted = _QUOTED.sub(lambda value: _UNSAFE.sub(lambda match: self._word(match[0]), value[0]), piece.attributes)
        return PLACEHOLDER.sub(lambda match: self._word(match[0]), f"{head}{quoted}>")

    def _word(self, said: str) -> str:
        self.kept.append(said)
        return f"{self.prefix}{len(self.kept) - 1}z"

    def back(self, text: str) -> str:
        return re.sub(rf"{self.prefix}(\d+)z(?:n\n*)?", lambda match: self.kept[int(match[1])], text)


def _check(masked: Masked) -> None:
    """Elements that are known, closed, and where they belong. Raises TemplateError for the first that is not."""
    if not re.search(r"<mj-body[\s>]", masked.text) or not masked.text.lstrip().startswith("<mjml"):
        raise TemplateError(masked.field, "an MJML document is <mjml> with an <mj-body> in it", 1)
    open_: list[Piece] = []
    met: Counter[str] = Counter()

    def refuse(piece: Piece, sentence: str) -> TemplateError:
        return TemplateError(masked.field, f"<{piece.name}>: {sentence}", masked.line(piece.start))

    for piece in pieces(masked.text):
        outer = open_[-1].name if open_ else ""
        html = outer in _HTML_INSIDE and not (piece.closing and piece.name == outer)
        if piece.kind != "tag" or (html and not piece.name.startswith("mj-")):
            continue
        if html:
            raise refuse(piece, f"<{outer}> holds HTML, no MJML: put this beside it")
        if piece.closing:
            if not open_ or open_[-1].name != piece.name:
                still = f"<{open_[-1].name}> of line {masked.line(open_[-1].start)} is still open" if open_ else ""
                raise refuse(piece, f"this end does not fit here{still and ': '}{still}")
            open_.pop()
            continue
        outside = [one.name for one in open_]
        met.update(
            {
                "elements": 1,
                "given": len(piece.attributes) * (piece.name in _GIVING or "mj-attributes" in outside),
                "images": piece.name == "mj-carousel-image",
            }
        )
        sentence = _misplaced(piece.name, outside) or _too_much(met)
        if sentence:
            raise refuse(piece, sentence)
        if not piece.attributes.rstrip().endswith("/"):
            open_.append(piece)
    if open_:
        raise refuse(open_[-1], f"this is not closed: add </{open_[-1].name}>")


def _too_much(met: Counter[str]) -> str | None:
    """What would take the compiler more memory than there is."""
    if met["images"] > MAX_CAROUSEL:
        return f"carousels may have {MAX_CAROUSEL} images together"
    if met["given"] * met["elements"] > MAX_GIVEN:
        return "too many elements for attributes of this length, which each of them gets: shorten either"
    return None


def _misplaced(name: str, outer: list[str]) -> str | None:
    if name not in _KNOWN:
        near = difflib.get_close_matches(name, _KNOWN, 1) if name.startswith("mj-") else ()
        hint = f"<{near[0]}> is near" if near else "put HTML into <mj-text> or <mj-raw>"
        return f"there is no such element in MJML; {hint}"
    if len(outer) > MAX_DEPTH:
        return f"elements are nested deeper than {MAX_DEPTH}"
    if name == "mj-include":
        return 'nothing can be included from files: make it a block and write {% render "its name" %}'
    wanted = _INSIDE.get(name)
    parent = next((one for one in reversed(outer) if one != "mj-raw"), None)
    # Defaults for elements stand in mj-attributes under the elements' own names.
    if wanted is None or parent in wanted or "mj-attributes" in outer:
        return None
    return f"this belongs into {' or '.join(f'<{one}>' for one in wanted)}"


def _require_all(masked: Masked, html: str) -> None:
    """Every tag of Liquid is still there, tags in the order in which they were written."""
    kept = [int(number) for number in PLACEHOLDER.findall(html)]
    there = set(kept)
    for number, token in enumerate(masked.tokens):
        if number not in there and token.name not in ("comment", "#"):
            raise TemplateError(
                masked.field,
                f"MJML drops {token.source[:60]} here: put Liquid into <mj-raw>, <mj-text> or an attribute's value",
                token.line,
            )
    logic = [number for number in kept if masked.tokens[number].kind == "tag"]
    once = list(dict.fromkeys(logic))
    if once != sorted(once):
        number = next(after for before, after in itertools.pairwise(once) if after < before)
        token = masked.tokens[number]
        raise TemplateError(masked.field, f"MJML moves {token.source[:60]}: put it into <mj-raw>", token.line)
