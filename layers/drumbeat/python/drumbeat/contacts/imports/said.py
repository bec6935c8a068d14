"""What one row of a file says of a contact, whatever the file's format."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from drumbeat import clock, fields
from drumbeat.contacts import addresses, changes, views
from drumbeat.contacts.consent import CONFIRMED
from drumbeat.errors import Detail, Invalid

IDENTIFYING: Final = frozenset({"email", "phone", "external_id"})
YES: Final = frozenset({"yes", "y", "true", "1", "granted", "subscribed", "opt-in"})
NO: Final = frozenset({"no", "n", "false", "0", "revoked", "unsubscribed", "opt-out"})
NOBODY: Final = Detail("row", "has neither email nor phone nor external_id")


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says (values by attribute of a contact), or what is wrong with it.

    `carried` are (its place in the file, what it becomes), `left_out` (its place, why not): the import's report counts
    them. `left_addresses` are addresses (by field) that the contact does not get. A value of None clears: only imports
    that overwrite have such values.
    """

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Detail] = field(default_factory=list)
    carried: list[tuple[str, str]] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    left_addresses: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for all rows of an import: consents of the whole file and which of them are confirmed already, when it
    started, what it is called, how to learn the country in which a number without one was dialled, whether people
    without a confirmed consent are to be asked, tags for all, and whether empty cells clear."""

    consents: Mapping[str, Mapping[str, Any]]
    at: datetime
    source: str
    home_country: Callable[[], str | None]
    confirmed: frozenset[str] = frozenset()
    double_opt_in: bool = False
    tags: frozenset[str] = frozenset()
    overwrite: bool = False

    def home(self, number: str) -> str | None:
        return None if number.startswith("+") else self.home_country()


def read_fields(told: Mapping[str, Any], said: Said, context: Context) -> None:
    """Put the contact's own fields into what a row says, checked; those that are wrong become problems."""
    for name, value in told.items():
        try:
            if name == "phone":
                country = str(told.get("country") or "")
                said.values[name] = addresses.phone(str(value), country.upper() or context.home(str(value)))
            elif name == "tags":
                said.values[name] = tags(value)
            elif name == "external_id" and type(value) is int and abs(value) < 2**53:
                said.values.update({name: str(value), "external_id_is_number": True})
            elif name in _READ:
                said.values[name] = _READ[name](str(value))
        except ValueError as error:
            said.problems.append(Detail(name, str(error)))


def finish(said: Said, context: Context) -> Said:
    """The row with the tags that all rows get, held to a contact's limits; one that is nobody's has a problem."""
    if context.tags:
        said.values["tags"] = (said.values.get("tags") or set()) | context.tags
    if said.values.get("attributes"):
        try:
            said.values["attributes"] = changes.merged({}, said.values["attributes"])
        except Invalid as refusal:
            said.problems.extend(refusal.details)
    if not said.problems and not IDENTIFYING & {name for name, value in said.values.items() if value}:
        said.problems.append(NOBODY)
    return said


def statements(
    told: Mapping[str, str], said: Said, context: Context, answers: Mapping[str, str], without: Iterable[str] = ()
) -> None:
    """Put the row's statements of consent into what it says: those of its own `answers` (channel → granted, revoked,
    pending), else what the whole file says, but nothing for the channels in `without`.

    A granted e-mail consent that is not confirmed is pending in an import with double opt-in. `told` has consent_at,
    consent_source, consent_method and consent_confirmed, as far as the row has them; `email_consent_at` and the like
    are of one channel, and go first.
    """
    consents = {channel: dict(statement) for channel, statement in context.consents.items() if channel not in without}
    for channel, status in answers.items():
        consents[channel] = _answer(channel, status, told, said, context)
    email = consents.get("email")
    confirmed = _confirmed("email", told, said)
    known = confirmed if confirmed is not None else "email" in context.confirmed
    if email and email["status"] == "granted" and context.double_opt_in and not known:
        consents["email"] = {**email, "status": "pending"}
    if consents:
        said.values["consent"] = consents


def _answer(channel: str, status: str, told: Mapping[str, str], said: Said, context: Context) -> dict[str, Any]:
    """A channel's statement with its evidence."""
    confirmed = status == "granted" and bool(_confirmed(channel, told, said))
    kept = CONFIRMED if confirmed else "import"
    answer: dict[str, Any] = {
        "status": status,
        "at": clock.iso(_when(channel, told, said, context)),
        "source": told.get(_part(channel, "source", told), context.source)[:255],
        "method": told.get(_part(channel, "method", told), kept)[:255],
    }
    return {**answer, "confirmed": True} if confirmed else answer


def _part(channel: str, part: str, told: Mapping[str, str]) -> str:
    """The field that has a part of a channel's evidence: its own, or the one for all channels."""
    own = f"{channel}_consent_{part}"
    return own if own in told else f"consent_{part}"


def _when(channel: str, told: Mapping[str, str], said: Said, context: Context) -> datetime:
    name = _part(channel, "at", told)
    if name in told:
        try:
            return min(clock.parse(told[name]), context.at)
        except (ValueError, OverflowError):
            _wrong(said, name, "is not a time like 2026-10-30T12:00:00Z")
    return context.at


def _confirmed(channel: str, told: Mapping[str, str], said: Said) -> bool | None:
    """None when the row does not say. A method `double_opt_in` says so, too, as our own exports write it."""
    name = _part(channel, "confirmed", told)
    text = told.get(name, "").casefold()
    if text and text not in YES | NO:
        _wrong(said, name, "is neither yes nor no")
    if text:
        return text in YES
    return True if told.get(_part(channel, "method", told)) == CONFIRMED else None


def _wrong(said: Said, name: str, message: str) -> None:
    """Once for a field, however many channels it is for."""
    if all(problem.field != name for problem in said.problems):
        said.problems.append(Detail(name, message))


def tags(value: Any) -> set[str]:
    """Tags of a cell (`vip; news`) or of a list. Raises ValueError."""
    parts = value if isinstance(value, list) else re.split(r"[;|]", str(value))
    found = {str(part).strip() for part in parts} - {""}
    if any(len(tag) > 64 for tag in found) or len(found) > views.MOST_TAGS:
        raise ValueError(f"must be at most {views.MOST_TAGS} tags of at most 64 characters")
    return found


def _name(text: str) -> str:
    if len(text) > 255:
        raise ValueError("must have at most 255 characters")
    return text


def _push_token(text: str) -> str:
    if len(text) > 4096:
        raise ValueError("must have at most 4096 characters")
    return text


def _yes_or_no(text: str) -> bool:
    if text.casefold() not in YES | NO:
        raise ValueError("is neither yes nor no")
    return text.casefold() in YES


_READ: Mapping[str, Callable[[str], Any]] = {
    "email": addresses.email,
    "first_name": _name,
    "last_name": _name,
    "external_id": _name,
    "push_token": _push_token,
    "language": views.language,
    "time_zone": views.time_zone,
    "country": fields.country,
    "tracking": _yes_or_no,
}
