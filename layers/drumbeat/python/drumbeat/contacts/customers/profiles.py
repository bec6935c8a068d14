"""What the customer system says of a customer, read field by field: one that cannot be read is left out and named, and
the others count. Keys are those of integration-guide.md; `first_name` is taken for `firstName`. Pure.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from drumbeat import clock, fields
from drumbeat.contacts import addresses, changes, preferences, views
from drumbeat.contacts.views import CHANNELS, Channel
from drumbeat.errors import Invalid

MOST_NAME = 255
_KEYS = {
    "email": "email", "phone": "phone", "firstName": "first_name", "lastName": "last_name", "language": "language",
    "timeZone": "time_zone", "timezone": "time_zone", "country": "country",
}  # fmt: skip
_OPT_INS: Mapping[str, Channel] = {"emailOptIn": "email", "smsOptIn": "sms", "pushOptIn": "push"}


@dataclass(slots=True)
class Profile:
    """What was told. `values` are fields of a contact (a telephone number as it was dialled; None where there is no
    value), `opt_ins` what is wanted by channel, `categories` those that are wanted. What is not in it was not told."""

    values: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] | None = None
    opt_ins: dict[Channel, bool] = field(default_factory=dict)
    frequency: str | None = None
    categories: list[str] | None = None
    at: datetime | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def says_who(self) -> bool:
        """Whether there is a person in it, and not only what somebody prefers."""
        return bool(self.values.get("email") or self.values.get("phone"))


def read(told: Mapping[str, Any]) -> Profile:
    """A profile, or the part of one that an event has."""
    found = Profile()
    for key, name in _KEYS.items():
        for spelled in dict.fromkeys((key, name)):
            if spelled in told:
                _put(found, name, told[spelled])
    _attributes(found, told.get("attributes"))
    wishes = told.get("preferences")
    if isinstance(wishes, dict):
        _wishes(found, wishes)
    if "updatedAt" in told:
        found.at = instant(told["updatedAt"])
        if found.at is None:
            found.problems.append("updatedAt")
    return found


def instant(value: Any) -> datetime | None:
    """A moment of the other system's clock on our business clock, none in the future; None for what is none."""
    try:
        return min(clock.business_time_of(clock.parse(value)), clock.business()) if isinstance(value, str) else None
    except (ValueError, OverflowError):
        return None


def _put(found: Profile, name: str, value: Any) -> None:
    if value is None or value == "":
        found.values[name] = None
        return
    try:
        found.values[name] = _READ[name](str(value).strip()) if isinstance(value, str | int) else _none(value)
    except ValueError:
        found.problems.append(name)


def _attributes(found: Profile, told: Any) -> None:
    if told is None:
        return
    try:
        changes.merged({}, told if isinstance(told, dict) else _none(told))
        found.attributes = told
    except (ValueError, Invalid, RecursionError):
        found.problems.append("attributes")


def _wishes(found: Profile, told: Mapping[str, Any]) -> None:
    for key, channel in _OPT_INS.items():
        if isinstance(told.get(key), bool):
            found.opt_ins[channel] = told[key]
        elif key in told:
            found.problems.append(f"preferences.{key}")
    if "frequency" in told:
        known = told["frequency"] in preferences.FREQUENCIES
        found.frequency = told["frequency"] if known else None
        if not known:
            found.problems.append("preferences.frequency")
    if "categories" in told:
        listed = told["categories"]
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            found.categories = listed
        else:
            found.problems.append("preferences.categories")


def _none(value: Any) -> Any:
    raise ValueError(f"{type(value).__name__} is not what this field has")


def _name(text: str) -> str:
    if len(text) > MOST_NAME or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("must be text of at most 255 letters")
    return text


_READ: Mapping[str, Callable[[str], str]] = {
    "email": addresses.email, "phone": addresses.phone_shaped, "first_name": _name, "last_name": _name,
    "language": views.language, "time_zone": views.time_zone, "country": fields.country,
}  # fmt: skip


def channels(told: Mapping[str, Any]) -> list[Channel] | None:
    """The channels that a consent is about: `channel` or `channels`; None when the event does not say, or names one
    that we do not know."""
    named = told.get("channels", told.get("channel"))
    listed = named if isinstance(named, list) else [] if named is None else [named]
    known: list[Channel] = [one for one in CHANNELS if one in listed]
    return known if known and len(known) == len(listed) else None


Verdict = Literal["grant", "revoke"]


def verdict(wanted: bool, at: datetime, held: Mapping[str, Any] | None, source: str) -> Verdict | None:
    """What a profile's opt-in means for the consent that is on record; None when it changes nothing.

    A profile shows a state, and not that somebody has just said so. So `false` takes back what was said before it, but
    `true` is a consent only where nobody has said no, or where that no came from the same system.
    """
    if held is None:
        return "grant" if wanted else "revoke"
    if clock.iso(at) <= held["at"]:
        return None
    status = held.get("status")
    if not wanted:
        return None if status == "revoked" else "revoke"
    if status == "granted":
        return None
    own = held.get("source") == source
    open_ = status != "revoked" and not held.get("opted_out")
    return "grant" if own or open_ else None
