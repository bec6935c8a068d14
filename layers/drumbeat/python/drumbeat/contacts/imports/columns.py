"""From the cells of a row, or the keys of a JSON line, to what they say of a contact.

A column is one of our fields (also under its usual other names), a statement of consent, or an attribute of that name.
Attributes are text, except what looks like a plain number (`12`, `-3.5`; not `007`, not more than 15 digits) and `true`
or `false`. ISO dates stay text: conditions on time read them. In JSON, values have the type that they have there.
"""

import json
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from drumbeat.contacts import views
from drumbeat.contacts.cells import unguarded
from drumbeat.contacts.consent import UNCONFIRMED
from drumbeat.contacts.imports import preferred
from drumbeat.contacts.imports.encodings import Unreadable
from drumbeat.contacts.imports.said import IDENTIFYING, NO, YES, Context, Said, finish, read_fields, statements
from drumbeat.errors import Detail

MOST_COLUMNS = 250
# What a row can say of one channel's consent only, in place of consent_at, ….
EVIDENCE = tuple(
    f"{channel}_consent_{part}" for channel in views.CHANNELS for part in ("at", "source", "method", "confirmed")
)
FIELDS = (
    "email", "phone", "push_token", "first_name", "last_name", "external_id", "language", "time_zone", "country",
    "tags", "tracking", "consent_at", "consent_source", "consent_method", "consent_confirmed", "email_consent",
    "sms_consent", "push_consent", *EVIDENCE, *preferred.FIELDS,
)  # fmt: skip
# What an empty cell takes away when an import overwrites. Addresses and ids stay: they say whose the row is.
CLEARABLE = ("first_name", "last_name", "language", "time_zone", "country", "tags")
OTHER_NAMES = {
    "e_mail": "email", "email_address": "email", "e_mail_address": "email", "mail": "email",
    "phone_number": "phone", "mobile": "phone", "telephone": "phone", "mobile_phone": "phone",
    "firstname": "first_name", "given_name": "first_name",
    "lastname": "last_name", "surname": "last_name", "family_name": "last_name",
    "customer_id": "external_id", "timezone": "time_zone", "lang": "language", "tag": "tags",
    "consent": "email_consent", "consent_email": "email_consent", "consent_sms": "sms_consent",
    "consent_push": "push_consent", "confirmed": "consent_confirmed",
}  # fmt: skip
# Deeper lines are looked at twice: what can be read may be too deep to write.
MOST_DEPTH = 100
IGNORED = "ignored by the mapping"
UNNAMED = "the column has no name"
OPEN = "waits to be confirmed, or was not in time: that is no consent"
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)


def number_or_text(cell: str) -> str | int | float | bool:
    """The value of an attribute's cell."""
    if cell in ("true", "false", "TRUE", "FALSE", "True", "False"):
        return cell.lower() == "true"
    if _NUMBER.fullmatch(cell) and sum(map(str.isdigit, cell)) <= 15:
        return float(cell) if "." in cell else int(cell)
    return cell


def target(name: str, mapping: Mapping[str, str | None]) -> str | None:
    """What a column is for: one of FIELDS, `attributes.<name>`, or None for nothing. Without a mapping this is what we
    suggest. Raises Unreadable."""
    wanted = mapping.get(name, name)
    if not wanted:
        return None
    plain = re.sub(r"[\s\-.]+", "_", wanted.casefold())
    ours = OTHER_NAMES.get(plain, plain)
    if ours in FIELDS:
        return ours
    attribute = wanted.removeprefix("attributes.")
    if not attribute or len(attribute) > views.MOST_ATTRIBUTE_NAME:
        raise Unreadable(
            f"The column {attribute[:70]!r} has a name of more than {views.MOST_ATTRIBUTE_NAME} characters. "
            "Map it to a shorter one, or to null."
        )
    return f"attributes.{attribute}"


def named(header: Sequence[str]) -> list[str]:
    """The names of columns as a mapping writes them."""
    return [unicodedata.normalize("NFC", cell.strip()) for cell in header]


class Columns:
    """What the columns of a file mean. Raises Unreadable for a header that cannot be used."""

    def __init__(self, header: Sequence[str], mapping: Mapping[str, str | None]) -> None:
        self.header = named(header)
        unknown = [name for name in mapping if name not in self.header]
        if unknown:
            raise Unreadable(f"The mapping names a column that the file does not have: {unknown[0][:70]!r}.")
        if len(self.header) > MOST_COLUMNS:
            raise Unreadable(f"The file has more than {MOST_COLUMNS} columns.")
        self.targets = [target(name, mapping) for name in self.header]
        used = [name for name in self.targets if name]
        twice = next((name for name in used if used.count(name) > 1), None)
        if twice:
            raise Unreadable(f"The file has two columns for {twice}; map one of them to null.")
        if not IDENTIFYING & set(used):
            raise Unreadable(
                "The file has no column email, phone or external_id, so its rows are no one's. Map a column to one."
            )
        attributes = sum(name.startswith("attributes.") for name in used)
        self.has_attributes = attributes > 0
        if attributes > views.MOST_ATTRIBUTES:
            raise Unreadable(f"The file has more than {views.MOST_ATTRIBUTES} columns for attributes.")
        self.places = list(enumerate(zip(self.header, self.targets, strict=True)))

    def read(self, cells: Sequence[str], context: Context) -> Said | None:
        """What a row says; None for a row without any text."""
        cells = [cell.strip() for cell in cells]
        cells = [unguarded(cell) for cell in cells]
        if not any(cells):
            return None
        if len(cells) > len(self.header) and any(cells[len(self.header) :]):
            return Said(problems=[Detail("row", f"has {len(cells)} cells, but there are {len(self.header)} columns")])
        said, told, attributes = Said(), dict[str, str](), dict[str, Any]()
        for place, (name, wanted) in self.places:
            cell = cells[place] if place < len(cells) else ""
            if wanted is None:
                if cell:
                    said.left_out.append((name, IGNORED if name else UNNAMED))
            elif cell:
                said.carried.append((name, wanted))
                if wanted.startswith("attributes."):
                    attributes[wanted[11:]] = number_or_text(cell)
                else:
                    told[wanted] = cell
            elif context.overwrite and wanted in CLEARABLE:
                said.values[wanted] = None
        return _said(told, attributes, said, context, has_attributes=self.has_attributes)


class Keys:
    """What the keys of JSON lines mean: as columns do; an object `attributes` has attributes, an object `consent` has
    statements by channel, an object `preferences` what a contact's has in our answers."""

    header = ("line",)

    def __init__(self, mapping: Mapping[str, str | None]) -> None:
        self.mapping = {named([name])[0]: wanted for name, wanted in mapping.items()}

    def read(self, cells: Sequence[str], context: Context) -> Said | None:
        """What a line says; None for an empty one."""
        if not cells[0]:
            return None
        line = parsed(cells[0])
        if line is None:
            return Said(problems=[Detail("row", "is not a JSON object on one line")])
        said, told, attributes = Said(), dict[str, Any](), dict[str, Any]()
        for key, value in line.items():
            if key == "attributes" and key not in self.mapping and isinstance(value, dict):
                attributes |= value
                said.carried.extend((f"attributes.{name}", f"attributes.{name}") for name in value)
            elif key == "consent" and key not in self.mapping and isinstance(value, dict):
                self._consent(value, told, said)
            elif key == "preferences" and key not in self.mapping and isinstance(value, dict):
                told |= {name: value.get(part) for part, name in preferred.OF_OBJECT.items()}
                said.carried.append((key, key))
            else:
                self._key(key, value, (said, told, attributes), context)
        return _said(told, attributes, said, context, has_attributes=True)

    def _key(self, key: str, value: Any, into: tuple[Said, dict[str, Any], dict[str, Any]], context: Context) -> None:
        said, told, attributes = into
        try:
            wanted = target(key, self.mapping)
        except Unreadable as error:
            said.problems.append(Detail(key[:70], str(error)))
            return
        if wanted is None:
            said.left_out.append((key, IGNORED if key else UNNAMED))
            return
        name = wanted.removeprefix("attributes.")
        is_attribute = name != wanted
        if value is None or value in ("", []):
            if context.overwrite and wanted in CLEARABLE:
                said.values[wanted] = None
            return
        said.carried.append((key, wanted))
        (attributes if is_attribute else told)[name] = value

    def _consent(self, by_channel: Mapping[str, Any], told: dict[str, Any], said: Said) -> None:
        for channel, statement in by_channel.items():
            if channel not in views.CHANNELS:
                said.problems.append(
                    Detail("consent", f"has channels {', '.join(views.CHANNELS)}, not {channel[:20]!r}")
                )
                continue
            stated = statement if isinstance(statement, dict) else {"status": statement}
            said.carried.append((f"consent.{channel}", f"consent.{channel}"))
            told[f"{channel}_consent"] = stated.get("status", "")
            for name in ("at", "source", "method", "confirmed"):
                if stated.get(name) is not None:
                    told[f"{channel}_consent_{name}"] = stated[name]


def parsed(text: str) -> dict[str, Any] | None:
    """The object on a line; None for what is none, or cannot be kept: half letters, numbers without an end."""
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        if "\\u" in text or text.count("[") + text.count("{") > MOST_DEPTH:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number of JSON")


def _said(
    told: Mapping[str, Any], attributes: dict[str, Any], said: Said, context: Context, *, has_attributes: bool
) -> Said:
    plain = {name: value if isinstance(value, list | int) else str(value) for name, value in told.items()}
    read_fields(plain, said, context)
    if preferences := preferred.read(told, context.at, said.problems):
        said.values["preferences"] = preferences
    answers, open_ones = dict[str, str](), list[str]()
    for channel in views.CHANNELS:
        name = f"{channel}_consent"
        cell = str(told.get(name, "")).casefold()
        if cell in UNCONFIRMED:
            open_ones.append(channel)
            if (channel, cell, context.double_opt_in) == ("email", "pending", True):
                answers[channel] = cell
            else:
                said.left_out.append((name, OPEN))
        elif cell and cell not in YES | NO:
            said.problems.append(Detail(name, "is neither yes nor no"))
        elif cell:
            answers[channel] = "granted" if cell in YES else "revoked"
    statements({name: str(value) for name, value in told.items()}, said, context, answers, open_ones)
    if attributes or (context.overwrite and has_attributes):
        said.values["attributes"] = attributes
    return finish(said, context)
