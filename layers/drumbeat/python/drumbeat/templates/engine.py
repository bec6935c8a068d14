"""Compiles a template once per send, and renders what differs from recipient to recipient.

Static text goes to SES once per call, as the inline template (SendBulkEmail, TemplateContent). Every top-level Liquid
node becomes a fragment, `{{fN}}`, whose value we render per recipient: SES does not escape HTML and knows no Liquid.
SES reads Handlebars, so braces in static text that could be taken for its syntax are fragments with a constant value.

Subject, HTML and text each run in a context of their own: an `{% assign %}` in one is not seen in another. Within a
part, nodes run in order and share it. Values are HTML-escaped in the HTML part only. The names in `RESERVED` come from
the sender, not from the contact; `now` (aware datetime), `timezone` (IANA name) and `currency` steer the filters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from liquid import BoundTemplate
from liquid.ast import Node
from liquid.builtin.content import ContentNode
from liquid.builtin.output import OutputNode
from liquid.builtin.tags.assign_tag import AssignNode
from liquid.builtin.tags.capture_tag import CaptureNode
from liquid.builtin.tags.comment_tag import CommentNode
from liquid.expression import Expression

from drumbeat.templates import footer
from drumbeat.templates.fragments import Names, handlebars
from drumbeat.templates.language import BoundedContext, failure, parse
from drumbeat.templates.limits import MAX_FRAGMENT, MAX_RENDERED, MAX_STATIC, LimitReached, TemplateError
from drumbeat.templates.links import Link, LinkTable, resolve_link, rewrite_html, rewrite_text
from drumbeat.templates.parameters import NONE, Parameters
from drumbeat.templates.plaintext import derive_text
from drumbeat.templates.source import PLACEHOLDER, Masked, mask

__all__ = [
    "RESERVED", "Compiled", "Link", "Rendered", "TemplateError", "compile_template", "compile_texts", "resolve_link",
]  # fmt: skip

RESERVED = frozenset({
    "click_base", "open_url", "unsubscribe_url", "preferences_url", "postal_address", "sender_name", "now",
    "timezone", "currency",
})  # fmt: skip
"""Names that the caller adds to a recipient's data, last, so that no attribute of a contact replaces them."""

_FRAGMENT = re.compile(r"\{\{(f\d+)\}\}")
_ONE_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
# What neither JSON for SES nor a mail may hold: controls, lone surrogates, noncharacters.
_ILLEGAL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


@dataclass(frozen=True, slots=True)
class Rendered:
    """One recipient's mail."""

    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class _Step:
    node: Node
    expression: Expression | None
    """Of a plain output, which needs no buffer."""
    name: str | None
    line: int


@dataclass(frozen=True, slots=True)
class _Part:
    field: str
    template: BoundTemplate
    static: str
    steps: tuple[_Step, ...]

    def run(self, data: Mapping[str, object], values: dict[str, str]) -> int:
        """Put this part's fragments into `values`; their characters."""
        context = BoundedContext(self.template, globals=data)
        unfit = _ONE_LINE if self.field == "subject" else _ILLEGAL
        total = 0
        for step in self.steps:
            try:
                value = _value(step, context)
            except Exception as error:  # noqa: BLE001 - whatever a tenant's template raises is the template's failure
                raise failure(self.field, error, step.line) from None
            if step.name is not None:
                if not value.isprintable():
                    value = unfit.sub(" ", value)
                if len(value) > MAX_FRAGMENT:
                    raise failure(self.field, LimitReached(f"a value exceeds {MAX_FRAGMENT:,} characters"), step.line)
                values[step.name] = value
                total += len(value)
        return total


def _value(step: _Step, context: BoundedContext) -> str:
    if step.expression is not None:
        # str: a subclass (Markup) costs json more.
        return str(context.written(step.expression.evaluate(context)))
    buffer = context.get_buffer()
    step.node.render(context, buffer)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Compiled:
    """A template ready to send: SES inline template parts, and the code of its fragments."""

    subject: str
    html: str
    text: str
    links: tuple[Link, ...]
    variables: frozenset[str]
    """Dotted paths that are read from the data, `RESERVED` included."""
    added: frozenset[str]
    """Which of `footer.REQUIRED` were appended because the author had left them out."""
    constants: Mapping[str, str]
    """Fragments that are the same for everyone; `render` returns them too."""
    parts: tuple[_Part, ...]

    @property
    def size(self) -> int:
        """Bytes of the static parts, as SES counts TemplateContent."""
        return sum(len(part.encode()) for part in (self.subject, self.html, self.text))

    def render(self, data: Mapping[str, object]) -> dict[str, str]:
        """Fragment values for one recipient: SES's ReplacementTemplateData, before JSON.

        `data` is plain JSON-like data (dates, Decimals allowed) with the `RESERVED` names. Raises TemplateError when
        this recipient's data makes the template fail.
        """
        values = dict(self.constants)
        total = sum(part.run(data, values) for part in self.parts)
        if total > MAX_RENDERED:
            raise failure("html", LimitReached(f"a recipient's fragments exceed {MAX_RENDERED:,} characters"), None)
        return values

    def preview(self, data: Mapping[str, object]) -> Rendered:
        """The mail as SES will build it: the same fragments, substituted into the same static text."""
        values = self.render(data)
        return Rendered(*(_substitute(part, values) for part in (self.subject, self.html, self.text)))


def _substitute(static: str, values: Mapping[str, str]) -> str:
    return _FRAGMENT.sub(lambda match: values[match[1]], static)


def compile_template(
    subject: str,
    html: str,
    text: str | None = None,
    *,
    track_links: bool = True,
    track_opens: bool = True,
    ensure_footer: bool = True,
    language: str = "en",
    known_links: Sequence[str] = (),
    parameters: Parameters = NONE,
) -> Compiled:
    """Compile the three parts; without `text` it is derived from the HTML.

    `language` chooses the words of an appended footer (en, bn); `known_links` are targets that have the first numbers
    already, and links get the `parameters`. TemplateError names field, line and remedy.
    """
    try:
        table = LinkTable(tracked=track_links, known=known_links, parameters=parameters)
        sources, links, added = _sources(subject, html, text, table, track_opens, ensure_footer, language)
        return _assemble(sources, links, added)
    except RecursionError as error:
        raise failure("html", error, None) from None


def compile_texts(
    subject: str,
    text: str,
    *,
    track_links: bool = True,
    known_links: Sequence[str] = (),
    parameters: Parameters = NONE,
    json: bool = False,
) -> Compiled:
    """Compile a message without HTML, of a channel that has texts only: no footer, no pixel, nothing escaped. A text
    that is `json` stays as it is written, and values are escaped for it: within quotes `{{ name }}`, else
    `{{ total | json }}`.

    TemplateError names field, line and remedy.
    """
    try:
        if json:
            return _assemble({"subject": "", "html": "", "text": text}, (), frozenset(), json=True)
        table = LinkTable(tracked=track_links, known=known_links, parameters=parameters)
        masked = _masked("subject", subject)
        sources = {
            "subject": masked.restore(masked.text), "html": "",
            "text": rewrite_text(_masked("text", text), table, short=True),
        }  # fmt: skip
        return _assemble(sources, table.links(), frozenset())
    except RecursionError as error:
        raise failure("text", error, None) from None


def _sources(
    subject: str, html: str, text: str | None, table: LinkTable, track_opens: bool, ensure_footer: bool, language: str
) -> tuple[dict[str, str], tuple[Link, ...], frozenset[str]]:
    """Liquid sources of the parts with footer, pixel and tracked links in place."""
    masked_subject, masked_html = _masked("subject", subject), _masked("html", html)
    masked_text = None if text is None else _masked("text", text)
    added: set[str] = set()
    if ensure_footer:
        added.update(footer.missing(masked_html))
        masked_html = mask("html", footer.with_html_footer(masked_html, language))
        if masked_text is not None:
            added.update(footer.missing(masked_text))
            masked_text = mask("text", footer.with_text_footer(masked_text, language))
    if masked_text is None:
        masked_text = derive_text(masked_html)
    if track_opens:
        masked_html = mask("html", footer.with_pixel(masked_html))
    sources = {
        "subject": masked_subject.restore(masked_subject.text),
        "html": rewrite_html(masked_html, table),
        "text": rewrite_text(masked_text, table),
    }
    return sources, table.links(), frozenset(added)


def _masked(field: str, source: str) -> Masked:
    masked = mask(field, source)
    for token in masked.tokens:
        if token.name == "render":
            raise TemplateError(
                field, "the tag 'render' is not available here: blocks stand in HTML and text", token.line
            )
    return masked


def check_liquid(field: str, source: str) -> None:
    """Raises TemplateError, with its line, for Liquid that does not parse or names a filter that there is not.

    For sources that become HTML only later: what is found in that HTML has other lines.
    """
    masked = mask(field, source)
    lines = ["\n" * token.source.count("\n") if token.name == "render" else token.source for token in masked.tokens]
    _variables(_part(field, PLACEHOLDER.sub(lambda match: lines[int(match[1])], masked.text), Names()))


def _assemble(
    sources: Mapping[str, str], links: tuple[Link, ...], added: frozenset[str], *, json: bool = False
) -> Compiled:
    names = Names()
    parts = tuple(_part(field, source, names, json=json) for field, source in sources.items())
    compiled = Compiled(
        subject=parts[0].static,
        html=parts[1].static,
        text=parts[2].static,
        links=links,
        variables=frozenset().union(*(_variables(part) for part in parts)),
        added=added,
        constants=names.constants,
        parts=parts,
    )
    if compiled.size > MAX_STATIC:
        raise TemplateError("html", f"subject, HTML and text exceed {MAX_STATIC // 1000:,} KB, the limit of SES")
    return compiled


def _part(field: str, source: str, names: Names, *, json: bool = False) -> _Part:
    html = field == "html"
    template = parse(field, source, html=html, json=json)
    assigned = {str(name) for node in _walk(template.nodes) for name in node.template_scope()}
    static: list[str] = []
    pieces: list[tuple[str, str | None]] = []
    steps: list[_Step] = []
    line, seen = 1, 0
    for node in template.nodes:
        if isinstance(node, ContentNode):
            static.append(_ONE_LINE.sub(" ", node.text) if field == "subject" else _ILLEGAL.sub(" ", node.text))
            continue
        if isinstance(node, CommentNode):
            continue
        line, seen = line + source.count("\n", seen, node.token.start_index), node.token.start_index
        if isinstance(node, (AssignNode, CaptureNode)):
            steps.append(_Step(node, None, None, line))
            continue
        key = (html, node.token.value) if _is_shareable(node, assigned) else None
        name = names.shared.get(key) if key and field != "subject" else None
        if name is None:
            name = names.new()
            steps.append(_Step(node, node.expression if isinstance(node, OutputNode) else None, name, line))
            if key and field != "subject":
                names.shared[key] = name
        pieces += [("".join(static), None), ("", name)]
        static.clear()
    pieces.append(("".join(static), None))
    return _Part(field, template, handlebars(pieces, names), tuple(steps))


def _is_shareable(node: Node, assigned: set[str]) -> bool:
    """A plain output that reads nothing the part assigns has one value wherever it stands."""
    return isinstance(node, OutputNode) and not assigned.intersection(re.findall(r"[\w-]+", node.token.value))


def _walk(nodes: list[Node]) -> Iterator[Node]:
    for node in nodes:
        yield node
        # Children need a context only for partials, and there are none.
        yield from _walk(list(node.children(None, include_partials=False)))  # type: ignore[arg-type]


def _variables(part: _Part) -> set[str]:
    """Global variables as dotted paths; TemplateError for an unknown filter."""
    analysis = part.template.analyze(include_partials=False)
    known = part.template.env.filters
    for name, spans in analysis.filters.items():
        if name not in known:
            line = part.template.nodes[0].token.source.count("\n", 0, spans[0].index) + 1
            raise TemplateError(part.field, f"there is no filter {name!r}; there are {', '.join(sorted(known))}", line)
    found = set()
    for variables in analysis.globals.values():
        for variable in variables:
            words = [segment for segment in variable.segments if isinstance(segment, str)]
            found.add(".".join(words))
    return found
