"""Reusable blocks: `{% render "footer", year: 2026 %}` is replaced by the block's source before Liquid reads it.

So links in a block are tracked, its text is static where it can be, and a send that was compiled keeps what the block
said. A block sees what the mail sees. Arguments are texts, numbers or variables, and stand for their names everywhere
in the block; names that the block binds itself are its own. Blocks hold no blocks, so there is no recursion.
"""

from __future__ import annotations

import html as markup
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from drumbeat.templates import safety
from drumbeat.templates.limits import MAX_SOURCE, TemplateError
from drumbeat.templates.source import PLACEHOLDER, Token, mask

MAX_BLOCKS = 50
"""Blocks that one part may render."""
_TOO_LARGE = f"with its blocks it is larger than {MAX_SOURCE // 1000} KB: shorten it"
_RENDER = re.compile(r"\{%-?\s*render\s*(.*?)-?%\}", re.DOTALL)
_NAME = re.compile(r"([\"'])([a-z0-9][a-z0-9_.-]*)\1\s*(.*)", re.DOTALL)
_ARGUMENT = re.compile(
    r"\s*,?\s*([A-Za-z_]\w*)\s*:\s*(\"[^\"]*\"|'[^']*'|-?\d+(?:\.\d+)?|[A-Za-z_][\w-]*(?:\.[\w-]+|\[\d+\])*)"
)
# A quoted text, a range's dots, a filter's name, a property, a keyword argument, or a name.
_WORD = re.compile(r"\"[^\"]*\"|'[^']*'|\.\.|\|\s*[\w-]+|\.[\w-]+|([^\W\d][\w-]*)(\s*:)?")
_TAG_NAME = re.compile(r"\{%-?\s*(?:#|\w*)")
_KEYWORDS = frozenset({
    "and", "or", "not", "in", "contains", "true", "false", "nil", "null", "empty", "blank", "reversed", "forloop",
    "tablerowloop", "with", "for", "as", "limit", "offset", "cols",
})  # fmt: skip
_HEAD_END = re.compile(r"</head\s*>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """What a block contributes: `styles` that go into the head, once, and the sources of the parts."""

    html: str
    text: str
    styles: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One `{% render %}`: the block's name, and what its arguments stand for."""

    name: str
    arguments: Mapping[str, str]
    line: int


def uses(field: str, source: str) -> list[Use]:
    """The blocks that a part renders, in order. Raises TemplateError for a tag that cannot be understood."""
    if "render" not in source:
        return []
    return [_use(field, token) for token in mask(field, source).tokens if token.name == "render"]


def expand(field: str, source: str, find: Callable[[str], Block | None]) -> str:
    """The part with its blocks in place. Raises TemplateError at the line of a tag whose block there is not."""
    if "render" not in source:
        return source
    masked = mask(field, source)
    styles: dict[str, None] = {}
    count = size = 0

    def put(match: re.Match[str]) -> str:
        nonlocal count, size
        token = masked.tokens[int(match[1])]
        if token.name != "render":
            return token.source
        count += 1
        use = _use(field, token)
        block = find(use.name)
        if block is None:
            raise TemplateError(field, f"there is no block {use.name!r}: make it first, or mend its name", use.line)
        if count > MAX_BLOCKS:
            raise TemplateError(field, f"more than {MAX_BLOCKS} blocks", use.line)
        styles[block.styles] = None
        filled = _filled(field, block.html if field == "html" else block.text, use, count)
        size += len(filled)
        if size > MAX_SOURCE:
            raise TemplateError(field, _TOO_LARGE, use.line)
        if field == "html":
            _refuse_unsafe(filled, use)
        return filled

    made = PLACEHOLDER.sub(put, masked.text)
    if len(made.encode()) > MAX_SOURCE:
        raise TemplateError(field, _TOO_LARGE)
    return _with_styles(made, "".join(styles)) if field == "html" else made


def _use(field: str, token: Token) -> Use:
    match = _RENDER.fullmatch(token.source)
    named = _NAME.match(match[1].strip()) if match else None
    if not named:
        raise TemplateError(
            field, 'write {% render "name" %}, or {% render "name", argument: value %}; nothing else', token.line
        )
    arguments: dict[str, str] = {}
    rest = named[3].strip()
    while rest:
        pair = _ARGUMENT.match(rest)
        if not pair or pair[1] in _KEYWORDS:
            raise TemplateError(
                field, f"{rest[:60]}: an argument is a name, a colon, and a text, a number or a variable", token.line
            )
        arguments[pair[1]] = pair[2]
        rest = rest[pair.end() :].strip()
    return Use(named[2], arguments, token.line)


def _refuse_unsafe(filled: str, use: Use) -> None:
    """Texts become part of the source, where the block alone was looked at: an address, or an attribute."""
    if not any(value[0] in "'\"" for value in use.arguments.values()):
        return
    try:
        safety.check(filled)
    except TemplateError as error:
        raise TemplateError("html", f"the block {use.name!r} with these arguments: {error.message}", use.line) from None


def _filled(field: str, source: str, use: Use, number: int) -> str:
    """The block's source with its arguments, and with names of its own."""
    if not use.arguments and "{%" not in source:
        return source
    masked = mask(field, source)
    bound = masked.local_names() - {"forloop", "tablerowloop"}
    names = {name: value for name, value in use.arguments.items() if name not in bound}
    names |= {name: f"block{number}_{name}" for name in bound}
    first = "".join(
        f"{{% assign block{number}_{name} = {value} %}}" for name, value in use.arguments.items() if name in bound
    )
    tokens = tuple(_renamed(field, token, names) for token in masked.tokens)
    return first + PLACEHOLDER.sub(lambda match: tokens[int(match[1])], masked.text)


def _renamed(field: str, token: Token, names: Mapping[str, str]) -> str:
    if token.kind == "verbatim":
        return token.source
    if token.kind == "output":
        value = names.get(token.expression, "")
        if value[:1] in ("'", '"'):
            # A text as it stands: a link's host must be in the template.
            return markup.escape(value[1:-1], quote=True) if field == "html" else value[1:-1]
        return _words(token.source, names)
    head = _TAG_NAME.match(token.source)
    cut = head.end() if head else 2
    return token.source[:cut] + _words(token.source[cut:], names)


def _words(expression: str, names: Mapping[str, str]) -> str:
    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name is None or name in _KEYWORDS or name not in names:
            return match[0]
        # `limit: n` names an argument; `cycle group: …` is not worth the exception.
        return match[0] if match[2] else names[name]

    return _WORD.sub(word, expression)


def _with_styles(html: str, styles: str) -> str:
    if not styles:
        return html
    end = _HEAD_END.search(html)
    at = end.start() if end else 0
    return html[:at] + styles + html[at:]


def refuse_blocks(field: str, source: str) -> None:
    """Raises TemplateError when a block renders a block."""
    found = uses(field, source)
    if found:
        raise TemplateError(field, "a block cannot render another block: put its text here", found[0].line)


def lines_of(field: str, source: str, find: Callable[[str], Block | None]) -> Callable[[int], int]:
    """Which line of the part as it was written a line of the expanded part comes from."""
    masked = mask(field, source)
    written: list[int] = [0]
    line, position = 1, 0

    def told(text: str, grows: bool = True) -> None:
        nonlocal line
        for _ in range(text.count("\n")):
            written.append(line)
            line += grows

    for match in PLACEHOLDER.finditer(masked.text):
        told(masked.text[position : match.start()])
        token = masked.tokens[int(match[1])]
        block = find(_use(field, token).name) if token.name == "render" else None
        if block:
            told(block.html if field == "html" else block.text, grows=False)
            line += token.source.count("\n")
        else:
            told(token.source)
        position = match.end()
    told(masked.text[position:])
    written.append(line)
    return lambda number: written[min(number, len(written) - 1)]
