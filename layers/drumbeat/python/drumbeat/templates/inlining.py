"""Puts the rules of `<style>` into the elements' `style` attributes, as many mail clients read nothing else.

css-inline parses a document as a browser would and writes another one; Liquid and broken markup would not survive that.
So it gets a copy in which every element has a number, and only the `style` attributes that it computes come back into
the source. Rules stay in `<style>`, too: for `:hover`, `@media` and clients that read them. Inlined declarations would
beat those of media queries, so these become `!important`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from drumbeat.templates.limits import MAX_SOURCE, TemplateError
from drumbeat.templates.markup import ATTRIBUTE, Piece, pieces
from drumbeat.templates.source import BLOCKS, PLACEHOLDER, Masked, mask

MAX_RULES = 2_000
"""Rules of one style sheet: each is compared with each element."""
MAX_ELEMENTS = 10_000
"""Elements of a document with a style sheet. A mail that Gmail does not clip has a third of that."""
MAX_STYLED = 40_000_000
"""Characters of style sheets times elements: css-inline gives each element all declarations that match, at worst the
whole sheet. 40 KB of styles for 1,000 elements are far below the 102 KB that Gmail shows once they are inlined."""
MAX_NESTED = 100
"""Elements within each other: css-inline dies of some ten thousand, and misnested ones are multiplied by a browser."""
_VOID = frozenset({
    "area", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr",
})  # fmt: skip
# One of these ends the one before it.
_ENDED_BY_ITSELF = frozenset({"p", "li", "td", "th", "tr", "dt", "dd", "option"})
_NUMBER = "data-drumbeat-element"
_STYLE = re.compile(r"(\sstyle\s*=\s*)(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_CSS_PIECE = re.compile(r"/\*.*?(?:\*/|\Z)|\"(?:\\.|[^\"\\])*\"?|'(?:\\.|[^'\\])*'?|[{};]|[^/\"'{};]+|/", re.DOTALL)
_LEADING = re.compile(rf"(?:\s*{PLACEHOLDER.pattern})+")


def inline(source: str) -> str:
    """HTML source with its styles inlined; without `<style>` the same. Raises TemplateError."""
    masked = mask("html", source)
    if "<style" not in masked.text.lower():
        return source
    document = list(pieces(masked.text))
    _bound(masked, document)
    styles = _computed(masked, document)
    out = []
    in_style = False
    for number, piece in enumerate(document):
        if in_style:
            out.append(_insisting(masked, piece.source))
        elif number in styles:
            out.append(_styled(piece, styles[number]))
        else:
            out.append(piece.source)
        in_style = piece.kind == "tag" and piece.name == "style" and not piece.closing
    made = masked.restore("".join(out))
    if len(made.encode()) > MAX_SOURCE:
        raise TemplateError("html", f"with its styles inlined it is larger than {MAX_SOURCE // 1000} KB: shorten it")
    return made


def _bound(masked: Masked, document: list[Piece]) -> None:
    """Raises TemplateError for what would take css-inline too long, or too deep."""
    open_: Counter[str] = Counter()
    stack: list[str] = []
    elements = styles = 0
    in_style = False
    for piece in document:
        styles += len(piece.source) * in_style
        in_style = piece.kind == "tag" and piece.name == "style" and not piece.closing
        if piece.kind != "tag" or piece.name in _VOID:
            continue
        if piece.closing:
            # An end without a beginning closes nothing.
            while open_[piece.name]:
                open_[name := stack.pop()] -= 1
                if name == piece.name:
                    break
            continue
        elements += 1
        stack.append(piece.name)
        open_[piece.name] += 1
        if piece.name in _ENDED_BY_ITSELF and len(stack) > 1 and stack[-2] == piece.name:
            stack.pop()
            open_[piece.name] -= 1
        if len(stack) > MAX_NESTED:
            sentence = f"more than {MAX_NESTED} elements are within each other: close those that are open"
            raise TemplateError("html", sentence, masked.line(piece.start))
    if elements > MAX_ELEMENTS:
        raise TemplateError("html", f"more than {MAX_ELEMENTS:,} elements: shorten it")
    if styles * elements > MAX_STYLED:
        sentence = f"{styles:,} characters of CSS for {elements:,} elements are too much to inline: shorten either"
        raise TemplateError("html", sentence)


def _computed(masked: Masked, document: list[Piece]) -> dict[int, str]:
    """The declarations that `<style>` gives to elements, by the number of the piece; escaped for an attribute."""
    import css_inline  # only functions that save or preview come here

    copy = "".join(_copied(masked, document))
    try:
        made = css_inline.inline(copy, load_remote_stylesheets=False)
    except css_inline.InlineError as error:
        raise TemplateError("html", f"the styles cannot be read: {str(error)[:200]}") from None
    found: dict[int, str] = {}
    for piece in pieces(made):
        if piece.kind == "tag" and _NUMBER in piece.attributes:
            named = {match[1].lower(): match[3] or "" for match in ATTRIBUTE.finditer(piece.attributes)}
            if named.get("style"):
                found.setdefault(int(named[_NUMBER]), named["style"])
    return found


def _copied(masked: Masked, document: list[Piece]) -> Iterator[str]:
    """The document for css-inline: elements numbered, without their own styles, without Liquid between elements."""
    in_style = False
    for number, piece in enumerate(document):
        if in_style:
            yield _constant_rules(masked, piece)
        elif piece.kind == "tag" and not piece.closing and piece.name != "style":
            head = piece.source[: len(piece.source) - len(piece.attributes) - 1]
            yield f'{head} {_NUMBER}="{number}" {_STYLE.sub("", piece.attributes).lstrip()}>'
        elif piece.kind == "tag":
            yield piece.source
        else:
            # Text between the rows of a table would be moved out of it, and the rows with it.
            yield PLACEHOLDER.sub("", piece.source)
        in_style = piece.kind == "tag" and piece.name == "style" and not piece.closing


def _constant_rules(masked: Masked, piece: Piece) -> str:
    """The rules that hold for every recipient: those without tags of Liquid, before, in or around them."""
    kept, depth = [], 0
    for number, rule in enumerate(_rules(piece.source), 1):
        if number > MAX_RULES:
            raise TemplateError("html", f"more than {MAX_RULES:,} rules of CSS", masked.line(piece.start))
        before = _LEADING.match(rule)
        lead = before[0] if before else ""
        depth += _opened(masked, lead)
        rest = rule[len(lead) :]
        if depth == 0 and all(token.kind == "output" for token in masked.tokens_of(rest)):
            kept.append(rest)
        depth += _opened(masked, rest)
    return "".join(kept)


def _opened(masked: Masked, css: str) -> int:
    """How many blocks of Liquid it opens, less those that it closes."""
    names = [token.name for token in masked.tokens_of(css) if token.kind == "tag"]
    return sum(name in BLOCKS for name in names) - sum(name.startswith("end") for name in names)


def _rules(css: str) -> Iterator[str]:
    """Top-level rules with their blocks, and statements (`@charset "utf-8";`), in order."""
    rule: list[str] = []
    depth = 0
    for match in _CSS_PIECE.finditer(css):
        part = match[0]
        rule.append("" if part.startswith("/*") else part)
        depth += (part == "{") - (part == "}")
        if depth <= 0 and part in ("}", ";"):
            yield "".join(rule)
            rule, depth = [], 0
    if "".join(rule).strip():
        yield "".join(rule)


def _insisting(masked: Masked, css: str) -> str:
    """The style sheet with `!important` on the declarations of media queries, which inlined ones would beat."""
    if "@media" not in css:
        return css
    out: list[str] = []
    blocks: list[str] = []
    since: list[str] = []
    for match in _CSS_PIECE.finditer(css):
        part = match[0]
        if part == "{":
            blocks.append("".join(since))
        elif part in (";", "}") and len(blocks) > 1 and "@media" in blocks[0] and _is_plain(masked, "".join(since)):
            out.append(" !important")
        if part == "}" and blocks:
            blocks.pop()
        if part in ("{", "}", ";"):
            since = []
        elif not part.startswith("/*"):
            since.append(part)
        out.append(part)
    return "".join(out)


def _is_plain(masked: Masked, declaration: str) -> bool:
    """A declaration that is not yet important and has no tags of Liquid in it."""
    if ":" not in declaration or "important" in declaration:
        return False
    return all(token.kind == "output" for token in masked.tokens_of(declaration))


def _styled(piece: Piece, computed: str) -> str:
    """The element with the computed declarations before its own, which therefore win."""
    attributes = piece.attributes
    own = _STYLE.search(attributes)
    if own is None:
        slash = "/" if attributes.rstrip().endswith("/") else ""
        bare = attributes.rstrip().removesuffix("/").rstrip() if slash else attributes
        return f'{piece.source[: len(piece.source) - len(attributes) - 1]}{bare} style="{computed}"{slash and " /"}>'
    said = next(group for group in own.groups()[1:] if group is not None).replace('"', "&quot;")
    joined = f"{computed.rstrip('; ')};{said}"
    attributes = f'{attributes[: own.start()]} style="{joined}"{attributes[own.end() :]}'
    return f"{piece.source[: len(piece.source) - len(piece.attributes) - 1]}{attributes}>"
