"""The Liquid that templates speak: python-liquid with bounded loops, filters, ranges, variables and output.

The only module that builds Liquid environments. Variables are read by key, never by attribute; there is no loader.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from io import StringIO
from typing import Any, TextIO, cast

from liquid import BoundTemplate, Environment, Markup, RenderContext, Token, escape
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression, Path
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    cycle_tag,
    decrement_tag,
    echo_tag,
    for_tag,
    if_tag,
    ifchanged_tag,
    increment_tag,
    inline_comment_tag,
    tablerow_tag,
    unless_tag,
)
from liquid.exceptions import LiquidError, UnknownFilterError
from liquid.expression import Expression
from liquid.undefined import UNDEFINED
from liquid.utils import ReadOnlyChainMap

from drumbeat.templates import bounds, filters
from drumbeat.templates.limits import (
    MAX_ASSIGNED,
    MAX_DEPTH,
    MAX_FRAGMENT,
    MAX_WORK,
    LimitReached,
    TemplateError,
    measure,
)


class _Buffer(StringIO):
    """Output of at most MAX_FRAGMENT characters, those of the enclosing output included."""

    def __init__(self, size: int) -> None:
        super().__init__(newline="")
        self.size = size

    def write(self, text: str) -> int:
        self.size += len(text)
        if self.size > MAX_FRAGMENT:
            raise LimitReached(f"the output of one Liquid block exceeds {MAX_FRAGMENT:,} characters")
        return super().write(text)


class _Scope(ReadOnlyChainMap):
    def __getitem__(self, key: str) -> object:
        # Asking first is cheaper than an exception for each namespace that lacks the name.
        for mapping in self._maps:
            if key in mapping:
                return mapping[key]
        raise KeyError(key)


class _PlainPath(Path):
    """A variable whose path has no variables in it."""

    __slots__ = ()

    def evaluate(self, context: RenderContext) -> object:
        return context.get(self.path, token=self.token)  # type: ignore[arg-type]


class Json(str):
    """JSON as it goes into a text that is JSON."""

    __slots__ = ()


class BoundedContext(RenderContext):
    """One part's rendering for one recipient, and the work that it has done."""

    __slots__ = ("assigned", "json", "weight", "work")

    def __init__(self, template: BoundTemplate, **kwargs: Any) -> None:
        super().__init__(template, **kwargs)
        # Without python-liquid's own `now` and `today`: they read the machine's clock and zone.
        self.scope = _Scope(self.locals, self.globals, self.counters)
        self.json = cast(_Environment, template.env).json
        self.work = 0
        self.assigned = 0
        self.weight = 1

    def written(self, value: object) -> str:
        """A value as it stands in the message, escaped for the language that it is written in."""
        if not self.json:
            return to_text(value, self.autoescape)
        return value if isinstance(value, Json) else json.dumps(to_text(value, False), ensure_ascii=False)[1:-1]

    def charge(self, steps: int) -> None:
        """Count work; LimitReached beyond the limit."""
        self.work += steps
        if self.work > MAX_WORK:
            raise LimitReached("too much work for one recipient: loop over less, or chain less filters")

    def assign(self, key: str, val: Any) -> None:
        self.assigned += measure(val) + 1
        if self.assigned > MAX_ASSIGNED:
            raise LimitReached(f"more than {MAX_ASSIGNED:,} characters are assigned to variables")
        self.locals[key] = val

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        """As python-liquid, with a short way through plain dicts: most of a rendering's time is spent here."""
        try:
            found: Any = self.scope[path[0]]  # type: ignore[index]
            for segment in path[1:]:
                if type(found) is not dict:
                    return super().get(path, token=token, default=default)
                found = found[segment]
        except (KeyError, TypeError):
            return super().get(path, token=token, default=default)
        return found

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        # All of ours take the context; unknown ones were refused at compilation.
        try:
            return functools.partial(self.env.filters[name], context=self)
        except KeyError:
            raise UnknownFilterError(f"there is no filter '{name}'", token=token) from None

    def get_buffer(self, buf: TextIO | None = None) -> StringIO:
        return _Buffer(getattr(buf, "size", 0))

    def raise_for_loop_limit(self, length: int = 1) -> None:
        # Called as each loop begins, so the sum over a rendering is the number of all rounds.
        self.charge(length * self.weight)


class _Output(output.OutputNode):
    __slots__ = ()

    def __init__(self, token: Token, expression: Expression) -> None:
        super().__init__(token, _plain(expression))

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(cast(BoundedContext, context).written(self.expression.evaluate(context)))


def _plain(expression: Expression) -> Expression:
    """The same expression without detours: python-liquid looks for variables in a path each time it is read."""
    if not isinstance(expression, FilteredExpression):
        return expression
    path = expression.left
    if isinstance(path, Path) and all(type(segment) in (str, int) for segment in path.path):
        expression.left = _PlainPath(path.token, path.path)
    return expression if expression.filters else expression.left


class _Echo(echo_tag.EchoNode):
    __slots__ = ()
    render_to_output = _Output.render_to_output


class _Capture(capture_tag.CaptureNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        size = super().render_to_output(context, buffer)
        if cast(BoundedContext, context).json:  # its values are escaped already
            context.assign(str(self.name), Json(context.locals[str(self.name)]))
        return size


class _For(for_tag.ForNode):
    __slots__ = ("weight",)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _weigh_loop(self, context)
        return super().render_to_output(context, buffer)


class _Tablerow(tablerow_tag.TablerowNode):
    __slots__ = ("weight",)

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        _weigh_loop(self, context)
        return super().render_to_output(context, buffer)


def _weigh_loop(node: Any, context: RenderContext) -> None:
    """Tell the context what one round costs. Nothing runs between here and the loop's own check."""
    weight = getattr(node, "weight", None)
    if weight is None:
        weight = node.weight = _weight(node.block)
    cast(BoundedContext, context).weight = weight


def _weight(node: Node) -> int:
    """Steps of a node: itself, its expressions, its children; an inner loop's rounds are counted when it runs."""
    total = 1 + sum(_expression_weight(expression) for expression in node.expressions())
    if not isinstance(node, (_For, _Tablerow)):
        total += sum(_weight(child) for child in node.children(cast(RenderContext, None), include_partials=False))
    return total


def _expression_weight(expression: Expression) -> int:
    return 1 + len(getattr(expression, "path", ())) // 4 + sum(map(_expression_weight, expression.children()))


class _Template(BoundTemplate):
    context_class = BoundedContext


# Tags that write values, or markup, past the escaping of JSON.
_NOT_IN_JSON = ("cycle", "tablerow")


class _Environment(Environment):
    template_class = _Template
    json = False
    block_nesting_limit = MAX_DEPTH + 1

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in (
            content.Literal, output.Output, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag,
            comment_tag.CommentTag, inline_comment_tag.InlineCommentTag, for_tag.ForTag, for_tag.BreakTag,
            for_tag.ContinueTag, tablerow_tag.TablerowTag, assign_tag.AssignTag, capture_tag.CaptureTag,
            cycle_tag.CycleTag, increment_tag.IncrementTag, decrement_tag.DecrementTag, echo_tag.EchoTag,
            ifchanged_tag.IfChangedTag,
        ):  # fmt: skip
            self.add_tag(tag)
        nodes = {
            output.Output.name: _Output, "echo": _Echo, "for": _For, "tablerow": _Tablerow, "capture": _Capture,
        }  # fmt: skip
        for name, node_class in nodes.items():
            self.tags[name].node_class = node_class  # type: ignore[attr-defined]
        self.filters = filters.table(html=self.autoescape)
        if self.json:
            self.filters["json"] = filters.bounded("json", _as_json)
            for name in _NOT_IN_JSON:
                del self.tags[name]

    def error(self, exc: type[LiquidError] | LiquidError, msg: str | None = None, token: Token | None = None) -> None:
        # A tag that ends too early is blamed on the "end of expression", which has no position; the tag has.
        if isinstance(exc, LiquidError) and exc.token and exc.token.start_index < 0 and token:
            exc.token = token
        super().error(exc, msg, token)


class _JsonEnvironment(_Environment):
    json = True


def _as_json(value: object) -> Json:
    """A whole value: a text with its quotes, a number, a list, null for what there is not."""
    return Json(json.dumps(value, ensure_ascii=False, allow_nan=False, default=_json_of, separators=(",", ":")))


def _json_of(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)
    return list(value) if isinstance(value, range) else to_text(value, False) or None


@functools.cache
def environment(*, html: bool, json: bool = False) -> Environment:
    """Three for the whole process: one escapes values for HTML, one for JSON, the other (subject, text) does not."""
    return _JsonEnvironment() if json else _Environment(autoescape=html)


bounds.install()


def to_text(value: object, escaped: bool) -> str:
    """A value as it stands in the mail. Objects without a text of their own are nothing."""
    if isinstance(value, str):
        return escape(value) if escaped else value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, date)):
        measure(value)
        return str(value)
    if isinstance(value, Decimal):
        return f"{value:f}" if value.is_finite() and abs(value.adjusted()) < 40 else str(value)
    if isinstance(value, range):
        return f"{value.start}..{value.stop - 1}"
    if isinstance(value, (list, tuple)):
        measure(value)
        joined = "".join(to_text(entry, escaped) for entry in value)
        return Markup(joined) if escaped else joined
    return ""


def parse(field: str, source: str, *, html: bool, json: bool = False) -> BoundTemplate:
    """A parsed part; TemplateError with its line."""
    try:
        return environment(html=html, json=json).from_string(source)
    except LiquidError as error:
        raise failure(field, error, None) from None


@functools.lru_cache(maxsize=256)
def _expression(source: str) -> Node:
    return parse("html", f"{{{{ {source} }}}}", html=False).nodes[0]


def evaluate(source: str, data: Mapping[str, object]) -> str:
    """One expression's value as plain text."""
    node = cast(_Output, _expression(source))
    context = BoundedContext(BoundTemplate(environment(html=False), []), globals=data)
    try:
        return to_text(node.expression.evaluate(context), False)
    except Exception as error:  # noqa: BLE001 - whatever a tenant's template raises is the template's failure
        raise failure("html", error, None) from None


def failure(field: str, error: Exception, line: int | None) -> TemplateError:
    """What went wrong, in words for the template's author."""
    if isinstance(error, LiquidError):
        token = error.token
        if token is not None and token.start_index >= 0:
            line = token.source.count("\n", 0, token.start_index) + 1
        # Wrapped errors of Python (RecursionError) have nothing to tell an author.
        return TemplateError(field, str(error.message)[:300], line)
    if isinstance(error, LimitReached):
        return TemplateError(field, str(error), line)
    if isinstance(error, RecursionError):
        return TemplateError(field, "the expression is nested too deeply: split it with {% assign %}", line)
    return TemplateError(field, f"this cannot be computed with the recipient's data ({type(error).__name__})", line)
