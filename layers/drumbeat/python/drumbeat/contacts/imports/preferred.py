"""What a row says of a contact's preferences: in columns of their own, or in an object `preferences` of a JSON line."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from drumbeat import clock
from drumbeat.contacts import preferences
from drumbeat.errors import Detail

FIELDS: Final = ("preferred_frequency", "refused_categories", "paused_until", "preferences_updated_at")
# From the names of `contacts.preferences.PreferencesView`.
OF_OBJECT: Final = {
    "frequency": "preferred_frequency", "refused_categories": "refused_categories", "paused_until": "paused_until",
    "updated_at": "preferences_updated_at",
}  # fmt: skip
_SLUG = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}")


def read(told: Mapping[str, Any], at: datetime, problems: list[Detail]) -> dict[str, Any] | None:
    """The preferences of a row as a contact stores them, said at `at` unless the row knows better; None when it says
    nothing of them. What is wrong is added to `problems`."""
    found: dict[str, Any] = {}
    for name, (stored, read_one) in _READ.items():
        if told.get(name) not in (None, "", []):
            try:
                found[stored] = read_one(told[name])
            except (ValueError, OverflowError) as error:
                problems.append(Detail(name, str(error)))
    if not found.keys() - {"at"}:
        return None
    return {**found, "at": min(found.get("at") or clock.iso(at), clock.iso(at))}


def _frequency(value: Any) -> str:
    word = str(value).strip().casefold()
    if word not in preferences.FREQUENCIES:
        raise ValueError(f"must be one of {', '.join(preferences.FREQUENCIES)}")
    return word


def _categories(value: Any) -> list[str]:
    parts = value if isinstance(value, list) else re.split(r"[;|]", str(value))
    ids = sorted({str(part).strip() for part in parts} - {""})
    if len(ids) > preferences.MOST_CATEGORIES or not all(_SLUG.fullmatch(one) for one in ids):
        raise ValueError(f"must be at most {preferences.MOST_CATEGORIES} ids of categories, such as offers;news")
    return ids


def _instant(value: Any) -> str:
    try:
        return clock.iso(clock.parse(str(value)))
    except (ValueError, OverflowError):
        raise ValueError("is not a time like 2026-10-30T12:00:00Z") from None


_READ: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "preferred_frequency": ("frequency", _frequency),
    "refused_categories": ("refused", _categories),
    "paused_until": ("paused_until", _instant),
    "preferences_updated_at": ("at", _instant),
}
