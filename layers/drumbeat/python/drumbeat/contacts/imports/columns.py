"""From the cells of a row to what they say of a contact.

A column is one of our fields (also under its usual other names), a statement of consent, or an attribute of that name.
Attributes are text, except what looks like a plain number (`12`, `-3.5`; not `007`, not more than 15 digits) and `true`
or `false`. ISO dates stay text: conditions on time read them.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drumbeat import clock, fields
from drumbeat.contacts import addresses, views
from drumbeat.contacts.imports.reader import Unreadable
from drumbeat.errors import Detail

MOST_COLUMNS = 250
FIELDS = (
    "email", "phone", "first_name", "last_name", "external_id", "language", "time_zone", "country", "tags",
    "consent_at", "consent_source", "email_consent", "sms_consent", "push_consent",
)  # fmt: skip
OTHER_NAMES = {
    "e_mail": "email", "email_address": "email", "e_mail_address": "email", "mail": "email",
    "phone_number": "phone", "mobile": "phone", "telephone": "phone", "mobile_phone": "phone",
    "firstname": "first_name", "given_name": "first_name",
    "lastname": "last_name", "surname": "last_name", "family_name": "last_name",
    "customer_id": "external_id", "timezone": "time_zone", "lang": "language", "tag": "tags",
    "consent": "email_consent",
}  # fmt: skip
YES = frozenset({"yes", "y", "true", "1", "granted", "subscribed", "opt-in"})
NO = frozenset({"no", "n", "false", "0", "revoked", "unsubscribed", "opt-out"})
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_GUARDED = re.compile(r"'[=+\-@\t\r]")


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says (values by attribute of a contact), or what is wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    problems: list[Detail] = field(default_factory=list)


def number_or_text(cell: str) -> str | int | float | bool:
    """The value of an attribute's cell."""
    if cell in ("true", "false", "TRUE", "FALSE", "True", "False"):
        return cell.lower() == "true"
    if _NUMBER.fullmatch(cell) and sum(map(str.isdigit, cell)) <= 15:
        return float(cell) if "." in cell else int(cell)
    return cell


class Columns:
    """What the columns of a file mean. Raises Unreadable for a header that cannot be used."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str | None]) -> None:
        self.header = [unicodedata.normalize("NFC", cell.strip()) for cell in header]
        unknown = [name for name in mapping if name not in self.header]
        if unknown:
            raise Unreadable(f"The mapping names a column that the file does not have: {unknown[0][:70]!r}.")
        if len(self.header) > MOST_COLUMNS:
            raise Unreadable(f"The file has more than {MOST_COLUMNS} columns.")
        self.fields: list[tuple[int, str]] = []
        self.attributes: list[tuple[int, str]] = []
        for place, name in enumerate(self.header):
            self._place(place, mapping.get(name, name) if name in mapping else name, name in mapping)
        targets = [name for _, name in self.fields] + [f"attributes.{name}" for _, name in self.attributes]
        twice = next((name for name in targets if targets.count(name) > 1), None)
        if twice:
            raise Unreadable(f"The file has two columns for {twice}; map one of them to null.")
        if not {"email", "phone", "external_id"} & set(targets):
            raise Unreadable("The file has no column email, phone or external_id, so its rows are no one's.")

    def _place(self, place: int, target: str | None, mapped: bool) -> None:
        """Note what a column is for; one without a name, or mapped to null, is left out."""
        if not target:
            return
        plain = re.sub(r"[\s\-.]+", "_", target.casefold())
        ours = OTHER_NAMES.get(plain, plain)
        if ours in FIELDS:
            self.fields.append((place, ours))
            return
        name = target.removeprefix("attributes.") if mapped or target.startswith("attributes.") else target
        if len(name) > views.MOST_ATTRIBUTE_NAME:
            raise Unreadable(
                f"The column {name[:70]!r} has a name of more than {views.MOST_ATTRIBUTE_NAME} characters."
            )
        if len(self.attributes) >= views.MOST_ATTRIBUTES:
            raise Unreadable(f"The file has more than {views.MOST_ATTRIBUTES} columns for attributes.")
        self.attributes.append((place, name))

    def read(self, cells: Sequence[str], context: "Context") -> Said | None:
        """What a row says; None for a row without any text."""
        cells = [cell.strip() for cell in cells]
        cells = [cell[1:] if cell.startswith("'") and _GUARDED.match(cell) else cell for cell in cells]
        if not any(cells):
            return None
        if len(cells) > len(self.header) and any(cells[len(self.header) :]):
            return Said(problems=[Detail("row", f"has {len(cells)} cells, but there are {len(self.header)} columns")])
        told = {name: cells[place] for place, name in self.fields if place < len(cells) and cells[place]}
        said = Said()
        self._fields(told, said, context)
        self._consent(told, said, context)
        attributes = {
            name: number_or_text(cells[place]) for place, name in self.attributes if place < len(cells) and cells[place]
        }
        if attributes:
            said.values["attributes"] = attributes
        if not said.problems and not {"email", "phone", "external_id"} & told.keys():
            said.problems.append(Detail("row", "has neither email nor phone nor external_id"))
        return said

    def _fields(self, told: Mapping[str, str], said: Said, context: "Context") -> None:
        for name, text in told.items():
            read = _READ.get(name)
            if read is None and name != "phone":
                continue
            try:
                if name == "phone":
                    country = told.get("country", "")
                    said.values[name] = addresses.phone(text, country.upper() or context.home(text))
                elif read is not None:
                    said.values[name] = read(text)
            except ValueError as error:
                said.problems.append(Detail(name, str(error)))

    def _consent(self, told: Mapping[str, str], said: Said, context: "Context") -> None:
        """Statements of the row's own cells; channels without one get what the whole file says."""
        at = context.at
        if "consent_at" in told:
            try:
                at = min(clock.parse(told["consent_at"]), context.at)
            except (ValueError, OverflowError):
                said.problems.append(Detail("consent_at", "is not a time like 2026-10-30T12:00:00Z"))
        consents = dict(context.consents)
        for channel in views.CHANNELS:
            cell = told.get(f"{channel}_consent")
            if cell is None:
                continue
            if cell.casefold() not in YES | NO:
                said.problems.append(Detail(f"{channel}_consent", "is neither yes nor no"))
                continue
            consents[channel] = {
                "status": "granted" if cell.casefold() in YES else "revoked",
                "at": clock.iso(at),
                "source": told.get("consent_source", context.source)[:255],
                "method": "import",
            }
        if consents:
            said.values["consent"] = consents


@dataclass(frozen=True, slots=True)
class Context:
    """What holds for all rows of an import: consents of the whole file, when it started, what it is called, and how to
    learn the country in which a number without one was dialled."""

    consents: Mapping[str, Mapping[str, Any]]
    at: datetime
    source: str
    home_country: Callable[[], str | None]

    def home(self, number: str) -> str | None:
        return None if number.startswith("+") else self.home_country()


def _tags(text: str) -> set[str]:
    found = {part.strip() for part in re.split(r"[;|]", text)} - {""}
    if any(len(tag) > 64 for tag in found) or len(found) > views.MOST_TAGS:
        raise ValueError(f"must be at most {views.MOST_TAGS} tags of at most 64 characters")
    return found


def _name(text: str) -> str:
    if len(text) > 255:
        raise ValueError("must have at most 255 characters")
    return text


_READ: Mapping[str, Callable[[str], Any]] = {
    "email": addresses.email,
    "first_name": _name,
    "last_name": _name,
    "external_id": _name,
    "language": views.language,
    "time_zone": views.time_zone,
    "country": fields.country,
    "tags": _tags,
}
