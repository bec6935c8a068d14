"""What a contact wants of what it agreed to: how often, about what, and whether not for a while.

Stored on the contact as one JSON value, `preferences`: frequency, refused (ids of the tenant's categories),
paused_until, and at (when it was last changed), each left out where nothing was said. Whether messages of a channel are
wanted at all is consent; the language is the contact's own. Times are business time.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, Protocol, get_args

from pydantic import Field

from drumbeat import clock
from drumbeat.fields import Body, Instant, Slug, View

Frequency = Literal["any", "daily", "weekly", "monthly"]
FREQUENCIES: tuple[str, ...] = get_args(Frequency)
PAUSE = timedelta(days=30)
MOST_CATEGORIES = 50
# What comes each morning, on each Monday or on the first of each month is to come each time: on its way it may be a
# little faster than it was the last time, and the shortest month has 28 days.
EARLIER = timedelta(hours=4)
_APART = {name: timedelta(days=days) - EARLIER for name, days in (("daily", 1), ("weekly", 7), ("monthly", 28))}
Categories = Annotated[list[Slug], Field(max_length=MOST_CATEGORIES)]


class Preferring(Protocol):
    """A contact, as far as its preferences go."""

    preferences: Any


class PreferencesChange(Body):
    """What a contact prefers. What is left out stays, null takes it back. `refused_categories` are ids of the tenant's
    categories, as a whole; until `paused_until` there is no marketing on any channel."""

    frequency: Frequency | None = None
    refused_categories: Categories | None = None
    paused_until: Instant | None = None


class PreferencesView(View):
    """What a contact prefers. `updated_at` is null when nothing was ever said."""

    frequency: Frequency
    refused_categories: list[str]
    paused_until: Instant | None
    updated_at: Instant | None


def frequency(contact: Preferring) -> timedelta | None:
    """In what time the person wants one marketing message at most, over all channels (a day, a week or four weeks, less
    `EARLIER`); None when they have not said."""
    return _APART.get(_held(contact).get("frequency") or "any")


def paused_until(contact: Preferring) -> datetime | None:
    """Until when the person wants no marketing, which may be over; None when they have not paused."""
    until = _held(contact).get("paused_until")
    return clock.parse(until) if until else None


def is_paused(contact: Preferring, now: datetime) -> bool:
    """Whether the person wants no marketing now."""
    until = paused_until(contact)
    return until is not None and until > now


def refuses(contact: Preferring, category: str | None) -> bool:
    """Whether the person wants nothing of this category. What has no category is refused by nobody."""
    return category is not None and category in (_held(contact).get("refused") or ())


def _held(contact: Preferring) -> Mapping[str, Any]:
    return contact.preferences or {}


def view(contact: Preferring) -> PreferencesView:
    """What the API shows."""
    held = _held(contact)
    return PreferencesView(
        frequency=held.get("frequency") or "any",
        refused_categories=list(held.get("refused") or ()),
        paused_until=paused_until(contact),
        updated_at=clock.parse(held["at"]) if held.get("at") else None,
    )


def changed(contact: Preferring, said: PreferencesChange | None, now: datetime) -> dict[str, Any] | None:
    """What is to be stored after a change that was said at `now`. One that says what is in force already is none.
    `said` None takes everything back."""
    return _after(_held(contact), said, now)


def first(said: PreferencesChange | None, now: datetime) -> dict[str, Any] | None:
    """What is stored with a new contact."""
    return _after({}, said, now)


def merged(held: Mapping[str, Any] | None, said: Mapping[str, Any]) -> dict[str, Any] | None:
    """What is stored after somebody else told (a file, another system) what the person said at `said["at"]`: nothing
    new where a later word of theirs is known."""
    if held and held["at"] > said["at"]:
        return dict(held)
    return _kept(held or {}, {**(held or {}), **said}, said["at"])


def _after(held: Mapping[str, Any], said: PreferencesChange | None, now: datetime) -> dict[str, Any] | None:
    return _kept(held, {**held, **_stored(said)} if said else {}, clock.iso(now))


def _kept(held: Mapping[str, Any], wanted: Mapping[str, Any], at: str) -> dict[str, Any] | None:
    """What is worth storing of `wanted`, said at `at`, unless it is what is stored."""
    kept = {name: value for name, value in wanted.items() if value not in (None, [], "any")}
    if {**kept, "at": None} == {**held, "at": None}:
        return dict(held) or None
    return {**kept, "at": at}


def _stored(said: PreferencesChange) -> dict[str, Any]:
    named = said.model_fields_set
    found: dict[str, Any] = {}
    if "frequency" in named:
        found["frequency"] = said.frequency
    if "refused_categories" in named:
        found["refused"] = sorted(set(said.refused_categories or ()))
    if "paused_until" in named:
        found["paused_until"] = clock.iso(said.paused_until) if said.paused_until else None
    return found
