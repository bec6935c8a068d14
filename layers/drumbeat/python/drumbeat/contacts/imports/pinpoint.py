"""Amazon Pinpoint's endpoints, as export jobs write them: JSON lines, or CSV with dotted headers.

An endpoint is one address of a user (docs.aws.amazon.com/pinpoint/latest/apireference, EndpointResponse), so several
endpoints are one contact: `User.UserId` is its external id. Attributes of the user and of its endpoints become
attributes of the contact under their own names. They are lists there; one value becomes plain, several stay a list, and
endpoints of one user add up, so that a condition holds for a contact where it held for one of its endpoints. In CSV, a
column that comes again is another value of the list (userguide, segments-importing).

    User.UserId                 external_id
    Address                     email, phone or push_token, by ChannelType
    Attributes.x, Metrics.x     attributes.x
    User.UserAttributes.x       attributes.x; FirstName and LastName (however they are spelled) the contact's names
    Demographic.Timezone        time_zone           Demographic.Locale   language
    Demographic.Make, …         attributes.demographic_make, …
    Location.City, …            attributes.location_city, …; Location.Country also the contact's country
    Location.Latitude, …        attributes.latitude, attributes.longitude
    OptOut ALL                  consent of the address's channel: revoked
    OptOut NONE                 granted, as of EffectiveDate; nothing for an INACTIVE endpoint, or one without OptOut
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from drumbeat import clock, fields
from drumbeat.contacts import views
from drumbeat.contacts.imports.columns import CLEARABLE, IGNORED, OTHER_NAMES, named, number_or_text, parsed
from drumbeat.contacts.imports.encodings import Unreadable
from drumbeat.contacts.imports.said import Context, Said, finish, read_fields, statements
from drumbeat.contacts.meeting import united
from drumbeat.errors import Detail

SOURCE: Final = "Amazon Pinpoint"
PUSH: Final = frozenset({"PUSH", "GCM", "APNS", "APNS_SANDBOX", "APNS_VOIP", "APNS_VOIP_SANDBOX", "ADM", "BAIDU"})
# ChannelType → the contact's field. A voice endpoint is a telephone number too, but says nothing of text messages.
ADDRESSES: Final[Mapping[str, str]] = {"EMAIL": "email", "SMS": "phone", "VOICE": "phone"} | dict.fromkeys(
    PUSH, "push_token"
)
CONSENTS: Final[Mapping[str, str]] = {"EMAIL": "email", "SMS": "sms"} | dict.fromkeys(PUSH, "push")
_PARENTS: Final = ("Attributes", "Metrics", "User", "Demographic", "Location")
_PLAIN: Final = frozenset({"Address", "ChannelType", "EndpointStatus", "OptOut", "EffectiveDate"})
_INTERNAL: Final = "is Pinpoint's own; nothing here uses it"
_UNKNOWN: Final = "is no part of an endpoint"
INACTIVE: Final = "the endpoint is INACTIVE: Pinpoint sent nothing to it, so it brings no consent"
SILENT: Final = "is not said; silence is no consent, but the import's own `consent` can speak for everybody"
LISTED: Final = "has several values; the contact's name is the first"


def attribute(name: str) -> str:
    """The field of segments under which an attribute (of a user or an endpoint), or a metric, is known here."""
    ours = OTHER_NAMES.get(re.sub(r"[\s\-.]+", "_", name.casefold()), name.casefold())
    return ours if ours in ("first_name", "last_name") else f"attributes.{name}"


def nested(parent: str, name: str) -> str:
    """The field for a part of Demographic or Location: `attributes.demographic_app_version`; a place is where segments
    look for it."""
    if name in ("Latitude", "Longitude"):
        return f"attributes.{name.casefold()}"
    return f"attributes.{parent.casefold()}_" + re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold()


def is_header(columns: Sequence[str]) -> bool:
    """Whether a CSV file with these columns is a list of endpoints or of Pinpoint's users."""
    found = set(named(columns))
    return {"ChannelType", "Address"} <= found or "User.UserId" in found


def is_endpoint(line: Mapping[str, Any] | None) -> bool:
    """Whether a JSON line is an endpoint or a user."""
    if line is None:
        return False
    user = line.get("User")
    return {"ChannelType", "Address"} <= line.keys() or (isinstance(user, dict) and "UserId" in user)


class Endpoints:
    """Reads the rows of a list of endpoints, CSV with this header, or JSON lines without one. A mapping can leave parts
    out (null), nothing else. Raises Unreadable."""

    def __init__(self, header: Sequence[str] | None, mapping: Mapping[str, str | None]) -> None:
        self.columns = None if header is None else named(header)
        self.header: Sequence[str] = self.columns or ("line",)
        self.ignored = {name for name, wanted in mapping.items() if wanted is None}
        if len(self.ignored) < len(mapping):
            raise Unreadable(
                "The parts of Pinpoint's endpoints have their places; a mapping can only leave them out (null). "
                "Set the import's format to csv or json_lines to map them yourself."
            )

    def read(self, cells: Sequence[str], context: Context) -> Said | None:
        """What an endpoint says; None for an empty row."""
        if not any(cells):
            return None
        if self.columns is None:
            endpoint = parsed(cells[0])
            if endpoint is None:
                return Said(problems=[Detail("row", "is not a JSON object on one line")])
        else:
            if len(cells) > len(self.columns) and any(cells[len(self.columns) :]):
                columns = len(self.columns)
                return Said(problems=[Detail("row", f"has {len(cells)} cells, but there are {columns} columns")])
            endpoint = _endpoint(self.columns, cells)
        return _Reading(endpoint, self.ignored, context).said()


def _endpoint(columns: Sequence[str], cells: Sequence[str]) -> dict[str, Any]:
    """A row of CSV as the JSON that it stands for."""
    endpoint: dict[str, Any] = {}
    for name, cell in zip(columns, (cell.strip() for cell in cells), strict=False):
        if not cell or name in (*_PARENTS, "User.UserAttributes"):
            continue
        place, path = endpoint, name.split(".", 2 if name.startswith("User.") else 1)
        for part in path[:-1]:
            place = place.setdefault(part, {})
        if path[0] == "Attributes" or path[:2] == ["User", "UserAttributes"]:
            place.setdefault(path[-1], []).append(cell)
        else:
            place[path[-1]] = number_or_text(cell) if path[0] == "Metrics" else cell
    return endpoint


class _Reading:
    """One endpoint on its way to what it says of a contact."""

    def __init__(self, endpoint: Mapping[str, Any], ignored: set[str], context: Context) -> None:
        self.endpoint, self.ignored, self.context = endpoint, ignored, context
        self.result = Said()
        self.told: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.channel = str(endpoint.get("ChannelType") or "").upper()
        self.active = str(endpoint.get("EndpointStatus") or "ACTIVE").upper() != "INACTIVE"

    def said(self) -> Said:
        user = self._part("User")
        self._user_id(user)
        self._values("User.UserAttributes.", user.get("UserAttributes"))
        self._values("Attributes.", self.endpoint.get("Attributes"))
        self._values("Metrics.", self.endpoint.get("Metrics"))
        self._demographic()
        self._location()
        self._address()
        self._leave_out()
        read_fields(self.told, self.result, self.context)
        self._consent()
        self._cleared()
        if self.attributes or self.context.overwrite:
            self.result.values["attributes"] = self.attributes
        return finish(self.result, self.context)

    def _part(self, name: str) -> Mapping[str, Any]:
        found = self.endpoint.get(name)
        return found if isinstance(found, dict) else {}

    def _taken(self, name: str, value: Any) -> bool:
        """Whether this part has a value and is wanted."""
        if value is None or value in ("", [], {}):
            return False
        if name in self.ignored:
            self.result.left_out.append((name, IGNORED))
            return False
        return True

    def _user_id(self, user: Mapping[str, Any]) -> None:
        value = user.get("UserId")
        if self._taken("User.UserId", value):
            if " " in str(value) and not self.channel:
                self.result.problems.append(Detail("User.UserId", "has several ids; put each on a line of its own"))
            self.told["external_id"] = str(value)
            self.result.carried.append(("User.UserId", "external_id"))

    def _values(self, prefix: str, values: Any) -> None:
        for name, held in (values if isinstance(values, dict) else {}).items():
            listed = [one for one in (held if isinstance(held, list) else [held]) if one is not None and one != ""]
            if not self._taken(prefix + name, listed):
                continue
            wanted = attribute(name)
            if len(name) > views.MOST_ATTRIBUTE_NAME:
                self.result.left_out.append((prefix[:-1], f"has a name of over {views.MOST_ATTRIBUTE_NAME} characters"))
                continue
            self.result.carried.append((prefix + name, wanted))
            if not wanted.startswith("attributes."):
                self.told.setdefault(wanted, str(listed[0]))
                if len(listed) > 1:
                    self.result.left_out.append((prefix + name, LISTED))
                continue
            self.attributes[name] = united(self.attributes.get(name), listed if len(listed) > 1 else listed[0])

    def _demographic(self) -> None:
        for name, value in self._part("Demographic").items():
            place = f"Demographic.{name}"
            if not self._taken(place, value):
                continue
            if name == "Timezone":
                self._field(place, "time_zone", str(value), views.time_zone)
            elif name == "Locale":
                self._field(place, "language", str(value).replace("_", "-"), views.language)
            else:
                self._attribute(place, nested("Demographic", name), value)

    def _location(self) -> None:
        for name, value in self._part("Location").items():
            place = f"Location.{name}"
            if not self._taken(place, value):
                continue
            plain = name in ("Latitude", "Longitude")
            self._attribute(place, nested("Location", name), number_or_text(str(value)) if plain else value)
            if name == "Country":
                self._field(place, "country", str(value), fields.country)

    def _field(self, place: str, wanted: str, text: str, check: Any) -> None:
        """A field that does not keep the person out when it is wrong."""
        try:
            self.told[wanted] = check(text)
            self.result.carried.append((place, wanted))
        except ValueError as error:
            self.result.left_out.append((place, str(error)))

    def _attribute(self, place: str, wanted: str, value: Any) -> None:
        self.attributes[wanted.removeprefix("attributes.")] = value if isinstance(value, int | float) else str(value)
        self.result.carried.append((place, wanted))

    def _address(self) -> None:
        value = self.endpoint.get("Address")
        if not self._taken("Address", value):
            return
        wanted = ADDRESSES.get(self.channel)
        place = f"Address ({self.channel or 'no ChannelType'})"
        if wanted is None:
            self.result.left_out.append((place, "nothing is sent through this channel here"))
        elif not self.active and "external_id" in self.told:
            # Another endpoint of the user may have the address that works.
            self.result.left_out.append((place, INACTIVE))
            read = Said()
            read_fields({"country": self.told.get("country"), wanted: value}, read, self.context)
            self.result.left_addresses.update({wanted: read.values[wanted]} if wanted in read.values else {})
        else:
            self.told[wanted] = str(value)
            self.result.carried.append((place, wanted))

    def _leave_out(self) -> None:
        for name, value in self.endpoint.items():
            if name in _PARENTS or name in _PLAIN or value in (None, "", {}):
                continue
            known = name in ("Id", "ApplicationId", "CohortId", "CreationDate", "RequestId")
            self.result.left_out.append((name, _INTERNAL if known else _UNKNOWN))

    def _consent(self) -> None:
        channel, said = CONSENTS.get(self.channel), str(self.endpoint.get("OptOut") or "").upper()
        if channel is None or (said != "ALL" and not self.endpoint.get("Address")):
            return
        told = {"consent_source": SOURCE, **self._since()}
        answers: dict[str, str] = {}
        if said == "ALL":
            answers[channel] = "revoked"
        elif said not in ("", "NONE"):
            self.result.problems.append(Detail("OptOut", "is neither ALL nor NONE"))
        elif not self.active:
            self.result.left_out.append(("EndpointStatus", INACTIVE))
            return
        elif channel not in self.context.consents:
            if not said or "OptOut" in self.ignored:
                self.result.left_out.append(("OptOut", SILENT))
                return
            answers[channel] = "granted"
        others = [one for one in views.CHANNELS if one != channel]
        statements(told, self.result, self.context, answers, others)
        if channel in self.result.values.get("consent", {}):
            self.result.carried.append(("OptOut", f"consent.{channel}"))

    def _since(self) -> dict[str, str]:
        """Since when the consent holds, as far as Pinpoint knows; a time that is none is not the person's fault."""
        text = str(self.endpoint.get("EffectiveDate") or "")
        try:
            return {"consent_at": clock.iso(clock.parse(text))} if text else {}
        except (ValueError, OverflowError):
            self.result.left_out.append(("EffectiveDate", "is no time; the import's own is used"))
            return {}

    def _cleared(self) -> None:
        """An import that overwrites takes away what no endpoint says; the first of a user does so."""
        if self.context.overwrite:
            for name in CLEARABLE:
                self.result.values.setdefault(name, None)
