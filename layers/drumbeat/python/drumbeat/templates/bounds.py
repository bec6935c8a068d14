"""Bounds that python-liquid has no hook for: ranges, loops' sources, and comparisons of large values.

Its parser makes these expressions by class name, deep inside, so the classes themselves are bounded, once, on import.
Nothing else in the process uses Liquid. Each charges the rendering's context for what it is about to read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from liquid.builtin.expressions import logical, loop, primitive

from drumbeat.templates.limits import check_range

_to_iter = loop.LoopExpression._to_iter


def _range(self: primitive.RangeLiteral, context: Any) -> range:
    # `"x" contains` would walk a range of any length.
    made = self._make_range(self.start.evaluate(context), self.stop.evaluate(context))
    check_range(made)
    return made


def _source(self: loop.LoopExpression, obj: object, context: Any) -> tuple[Iterator[Any], int]:
    # `offset:` skips entries one by one, and rounds are counted without them.
    iterator, length = _to_iter(self, obj, context)
    context.charge(length // 16)
    return iterator, length


def _contains(self: logical.ContainsExpression, context: Any) -> object:
    left = self.left.evaluate(context)
    _charge(left, context)
    return logical._contains(self.token, left, self.right.evaluate(context))


def _equals(self: logical.EqExpression, context: Any) -> object:
    left = self.left.evaluate(context)
    _charge(left, context)
    return logical._eq(left, self.right.evaluate(context))


def _differs(self: logical.NeExpression, context: Any) -> object:
    left = self.left.evaluate(context)
    _charge(left, context)
    return not logical._eq(left, self.right.evaluate(context))


def _charge(value: object, context: Any) -> None:
    if isinstance(value, str):
        context.charge(len(value) // 64)
    elif isinstance(value, (list, tuple, dict, range)):
        context.charge(len(value) // 4)


def install() -> None:
    """Bound the classes."""
    primitive.RangeLiteral.evaluate = _range  # type: ignore[method-assign]
    loop.LoopExpression._to_iter = _source  # type: ignore[method-assign]
    logical.ContainsExpression.evaluate = _contains  # type: ignore[method-assign]
    logical.EqExpression.evaluate = _equals  # type: ignore[method-assign]
    logical.NeExpression.evaluate = _differs  # type: ignore[method-assign]
