"""What a template may cost. Templates come from tenants, values from their customers: neither is trusted.

python-liquid bounds one loop, one output stream and one namespace. It does not bound filters, ranges, the sum of many
loops or long expressions; these limits do. Work is counted, never timed, so that the same template with the same data
fails everywhere or nowhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

MAX_SOURCE = 500_000
"""Bytes (UTF-8) of one part's source."""
MAX_TAGS = 5_000
"""Liquid tags and outputs in one part."""
MAX_TAG_LENGTH = 1_000
"""Characters of one tag: the expression lexer is quadratic in them."""
MAX_TAG_TOTAL = 100_000
"""Characters of all tags of one part: parsing them takes 2 µs each."""
MAX_BLANKS = 64
"""Consecutive whitespace characters within a tag: the lexer is quadratic in them too."""
MAX_LINKS = 1_000
"""Different tracked links."""
MAX_DEPTH = 20
"""Nested blocks."""
MAX_FRAGMENT = 256_000
"""Bytes of one rendered fragment, and characters of one value on its way through filters."""
MAX_RENDERED = 512_000
"""Characters that one recipient's fragments may have together."""
MAX_ITEMS = 10_000
"""Entries of a list or range."""
MAX_ASSIGNED = 1_000_000
"""Characters given to assign and capture in one rendering, overwritten values included."""
MAX_WORK = 50_000
"""Steps of one part's rendering: about 100 ms on a slow core. A product loop in a newsletter takes a few hundred."""
MAX_BITS = 128
"""Bits of an integer."""
MAX_STATIC = 1_000_000
"""Bytes of the compiled subject, HTML and text together (SES: TemplateContent within 1 MB)."""
MAX_NESTING = 12
"""Depth of lists and objects in data that a template touches."""


class TemplateError(ValueError):
    """A template that cannot be compiled, or that failed for one recipient's data.

    `field` is `subject`, `html` or `text`; `line` counts from 1 within that part, None when no line is to blame.
    """

    def __init__(self, field: str, message: str, line: int | None = None) -> None:
        super().__init__(f"{field}, line {line}: {message}" if line else f"{field}: {message}")
        self.field = field
        self.message = message
        self.line = line


class LimitReached(ValueError):
    """A rendering asked for more than the limits give. The message names the limit."""


def measure(value: object, depth: int = 0) -> int:
    """Characters that `value` may take when written out, at least one per entry. Raises LimitReached early."""
    if isinstance(value, str):
        return _within(len(value), MAX_FRAGMENT, "a text is longer than %s characters")
    if value is None or isinstance(value, (bool, float, Decimal)):
        return 1
    if isinstance(value, int):
        _within(value.bit_length(), MAX_BITS, "a number has more than %s bits")
        return 1
    if isinstance(value, range):
        return check_range(value)
    if depth > MAX_NESTING:
        raise LimitReached(f"lists are nested deeper than {MAX_NESTING}")
    if isinstance(value, Mapping):
        return _measure_all(value.values(), len(value), depth)
    if isinstance(value, (list, tuple)):
        return _measure_all(value, len(value), depth)
    return 1


def check_range(value: range) -> int:
    """Entries of a range, without making them."""
    # len() of a range beyond sys.maxsize raises OverflowError.
    count = max(0, value.stop - value.start)
    return _within(count, MAX_ITEMS, "a range or list has more than %s entries")


def _measure_all(values: object, count: int, depth: int) -> int:
    total = _within(count, MAX_ITEMS, "a range or list has more than %s entries")
    for value in values:  # type: ignore[attr-defined]
        total += measure(value, depth + 1)
        _within(total, MAX_FRAGMENT, "a list holds more than %s characters")
    return total


def _within(size: int, limit: int, sentence: str) -> int:
    if size > limit:
        raise LimitReached(sentence % f"{limit:,}")
    return size
