"""JSON as JavaScript writes it: whoever parses it and writes it again, `JSON.stringify(JSON.parse(text))`, has the same
bytes, and may hold a signature against them. Pure.

ECMA-262, 25.5.2 (JSON.stringify), 6.1.6.1.20 (Number::toString), 10.1.11.1 (the order of keys). Integers of more than
53 bits are the exception: they stay what they are, and JavaScript does not keep them.
"""

import json
import re
from decimal import Decimal
from typing import Any

# Keys that are indices of arrays come first, in the order of numbers.
_MOST_INDEX = 2**32 - 2
# Halves of pairs of surrogates, which no encoding has; in JSON they may stand as escapes.
_HALF = re.compile("[\ud800-\udfff]")


def rewritten(text: str) -> str:
    """The text as JavaScript would write it. Raises ValueError for what is no JSON, or is nested too deeply."""
    try:
        return written(json.loads(text, parse_constant=_refused))
    except RecursionError:
        raise ValueError("is nested too deeply") from None


def _refused(name: str) -> Any:
    raise ValueError(f"has {name}, which is no number in JSON")


def written(value: Any) -> str:
    """A value of `json.loads` as text."""
    if isinstance(value, str):
        return _HALF.sub(_escaped, json.dumps(value, ensure_ascii=False))
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{written(key)}:{written(value[key])}" for key in _in_order(value)) + "}"
    return json.dumps(value)


def _escaped(half: re.Match[str]) -> str:
    return f"\\u{ord(half[0]):04x}"


def _in_order(value: dict[str, Any]) -> list[str]:
    indices = sorted((key for key in value if _is_index(key)), key=int)
    return [*indices, *(key for key in value if not _is_index(key))] if indices else list(value)


def _is_index(key: str) -> bool:
    is_number = key.isascii() and key.isdigit() and len(key) <= 10 and (key == "0" or key[0] != "0")
    return is_number and int(key) <= _MOST_INDEX


def _number(value: float) -> str:
    """The shortest digits that are this number, as both languages have them; they differ in when an exponent begins."""
    if value == 0:
        return "0"
    if value in (float("inf"), float("-inf")):
        raise ValueError("has a number that is too large")
    sign, digits_, exponent = Decimal(repr(value)).normalize().as_tuple()
    digits = "".join(map(str, digits_))
    point = len(digits) + int(exponent)
    if len(digits) <= point <= 21:
        text = digits.ljust(point, "0")
    elif 0 < point <= 21:
        text = f"{digits[:point]}.{digits[point:]}"
    elif -6 < point <= 0:
        text = f"0.{'0' * -point}{digits}"
    else:
        rest = f".{digits[1:]}" if digits[1:] else ""
        text = f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
    return f"-{text}" if sign else text
