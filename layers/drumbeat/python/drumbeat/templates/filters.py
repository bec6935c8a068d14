"""The filters that templates may use. Each is bounded before it runs: its input, its output, and its work.

Left out of python-liquid's own: `safe` (would let a contact's data into the mail as HTML) and `escapejs`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from liquid import soft_str
from liquid.builtin.filters import array, math, misc, string
from liquid.undefined import Undefined

from drumbeat import money as amounts
from drumbeat.templates.limits import MAX_FRAGMENT, LimitReached, measure
from drumbeat.templates.markup import strip_markup

Filter = Callable[..., Any]

_LIQUID: Mapping[str, Filter] = MappingProxyType({
    **{name: getattr(math, name) for name in ("at_most", "at_least", "ceil", "divided_by", "floor")},
    **{name: getattr(math, name) for name in ("minus", "plus", "times", "modulo")},
    "abs": math.abs_,
    "round": math.round_,
    **{name: getattr(string, name) for name in ("append", "capitalize", "downcase", "upcase", "prepend", "squish")},
    **{name: getattr(string, name) for name in ("strip", "lstrip", "rstrip", "strip_newlines", "truncate")},
    **{name: getattr(string, name) for name in ("truncatewords", "url_encode", "url_decode", "split")},
    **{name: getattr(string, name) for name in ("remove", "remove_first", "remove_last")},
    **{name: getattr(string, name) for name in ("replace", "replace_first", "replace_last")},
    **{name: getattr(string, name) for name in ("base64_encode", "base64_decode")},
    **{name: getattr(string, name) for name in ("base64_url_safe_encode", "base64_url_safe_decode")},
    "slice": string.slice_,
    **{name: getattr(array, name) for name in ("join", "first", "last", "concat", "reverse", "sort", "sort_natural")},
    **{name: getattr(array, name) for name in ("where", "reject", "find", "find_index", "has", "uniq", "compact")},
    "map": array.map_,
    "sum": array.sum_,
    "size": misc.size,
    "default": misc.default,
})  # fmt: skip
_HTML: Mapping[str, Filter] = MappingProxyType(
    {name: getattr(string, name) for name in ("escape", "escape_once", "newline_to_br")}
)

_FORMAT = re.compile(r"(?:[^%]|%[-^0_]?[aAbBcdDeFHIjklmMpPSTuwyYzZ%])*+")
_NAMED_URL = re.compile(r"\s*(?:https?://|mailto:|tel:|sms:|/|#|\?)", re.IGNORECASE)


def table(*, html: bool) -> dict[str, Filter]:
    """Filters by name, for the HTML part or for subject and text."""
    raw: dict[str, Filter] = {**_LIQUID, "date": date_, "money": money, "link_url": link_url, "strip_html": strip_html}
    # In a text there is no markup to make: these give their input back.
    raw |= _HTML if html else dict.fromkeys(_HTML, as_text)
    return {name: bounded(name, function) for name, function in raw.items()}


def bounded(name: str, function: Filter) -> Filter:
    """The filter, with limits on what goes into it and comes out of it."""
    grows = _GROWTH.get(name)
    wants_context = getattr(function, "with_context", False)
    wants_environment = getattr(function, "with_environment", False)

    def within(left: object, *args: object, context: Any, **kwargs: object) -> object:
        # Nearly every value is a short text: not worth a call.
        size = len(left) if type(left) is str and len(left) < MAX_FRAGMENT else measure(left)
        for value in args:
            size += measure(value)
        if kwargs:
            for value in kwargs.values():
                size += measure(value)
        context.charge(1 + size // 64)
        if grows is not None and grows(left, args, context) > MAX_FRAGMENT:
            raise LimitReached(f"the filter '{name}' would make a text longer than {MAX_FRAGMENT:,} characters")
        if wants_context:
            kwargs["context"] = context
        if wants_environment:
            kwargs["environment"] = context.env
        result = function(left, *args, **kwargs)
        if type(result) is not str or len(result) > MAX_FRAGMENT:
            measure(result)
        return result

    within.with_context = True  # type: ignore[attr-defined]
    return within


def _join_size(left: object, args: tuple[object, ...], context: Any) -> int:
    count = len(left) if isinstance(left, (list, tuple, range)) else 1
    return measure(left) + count * (len(str(args[0])) if args else 1)


def _replace_size(left: object, args: tuple[object, ...], context: Any) -> int:
    text, old = str(left), str(args[0]) if args else ""
    return len(text) + (text.count(old) if old else len(text) + 1) * (len(str(args[1])) if len(args) > 1 else 0)


def _uniq_size(left: object, args: tuple[object, ...], context: Any) -> int:
    # Compares every entry with every other.
    count = len(left) if isinstance(left, (list, tuple, range)) else 1
    context.charge(count * count // 16)
    return 0


_GROWTH: Mapping[str, Callable[[object, tuple[object, ...], Any], int]] = MappingProxyType(
    {"join": _join_size, "replace": _replace_size, "uniq": _uniq_size}
)


def as_text(value: object) -> str:
    """The value, unchanged."""
    return "" if value is None else soft_str(value)


def strip_html(value: object) -> str:
    """Text without tags. Plain text again, therefore escaped in the HTML part."""
    return strip_markup("" if value is None else str(value))


def link_url(value: object) -> str:
    """A web address, a path, `mailto:` or `tel:` as it is; `#` for all else (`javascript:`, `data:`, nothing)."""
    text = "" if value is None else str(value)
    # Browsers ignore tabs and newlines within a scheme.
    text = re.sub(r"[\x00-\x20\x7f]+", "", text)
    return text if _NAMED_URL.match(text) else "#"


def date_(value: object, pattern: object = "%-d %B %Y", *, timezone: object = None, context: Any) -> str:
    """A date in the recipient's time zone (`timezone` of the data, UTC without one).

    Takes ISO 8601, epoch seconds, dates, and `now`; what is none of them comes back unchanged, as Liquid does.
    """
    pattern = str(pattern)
    if not _is_format(pattern):
        raise LimitReached("date: use a format like '%-d %B %Y', at most 100 characters")
    if value in ("now", "today"):
        value = context.resolve("now", default=None)
    moment = _moment(value)
    if moment is None:
        return as_text(value)
    if isinstance(moment, datetime):
        zone = timezone if isinstance(timezone, str) else context.resolve("timezone", default=None)
        moment = moment.astimezone(_zone(zone))
    return moment.strftime(pattern)


@functools.lru_cache(maxsize=256)
def _is_format(pattern: str) -> bool:
    return len(pattern) <= 100 and _FORMAT.fullmatch(pattern) is not None


def _moment(value: object) -> datetime | date | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return value
    if isinstance(value, (bool, Undefined)):
        return None
    text = str(value).strip()
    try:
        if isinstance(value, (int, float, Decimal)) or re.fullmatch(r"\d{9,11}", text):
            return datetime.fromtimestamp(float(text), UTC)
        return date.fromisoformat(text) if len(text) == 10 else _moment(datetime.fromisoformat(text[:40]))
    except (ValueError, OverflowError, OSError):
        return None


def _zone(name: object) -> ZoneInfo:
    try:
        return ZoneInfo(name if isinstance(name, str) and 0 < len(name) <= 64 else "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def money(value: object, currency: object = None, *, context: Any) -> str:
    """An amount for people: `{{ 1250.5 | money: "BDT" }}` is ৳1,250.50. The data's `currency` is the default."""
    code = str(currency or context.resolve("currency", default="") or "").upper()[:3]
    try:
        amount = Decimal(str(value).strip()[:40])
    except InvalidOperation:
        return as_text(value)
    if not amount.is_finite() or abs(amount) >= 10**15:
        return as_text(value)
    return amounts.text(amount, code)


date_.with_context = True  # type: ignore[attr-defined]
money.with_context = True  # type: ignore[attr-defined]
