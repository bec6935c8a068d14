"""How a row meets a person who is known: what it adds, what it replaces, what there is no room for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from drumbeat.contacts import addresses, changes, consent, preferences
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import MOST_TAGS
from drumbeat.errors import Invalid

Mode = Literal["merge", "skip", "overwrite"]
NO_ROOM = "the contact has another one already, and has room for one"
# Fields that hold one address each, and the channel that it belongs to.
_CHANNELS = {"email": "email", "phone": "sms", "push_token": "push"}
# A person is at one place: the last one that is said.
_SINGLE = frozenset({"latitude", "longitude"})


@dataclass(frozen=True, slots=True)
class Rules:
    """How rows meet people who are known.

    `merge`: what a row says replaces, tags and attributes are added. `skip`: they stay as they are. `overwrite`: the
    attributes and tags are the row's, and None takes a field away; a person's second row in the same import is merged.
    `endpoints`: rows are addresses of people, so their first address stays, and their attributes add up within an
    import. `origin` is the import that the rows belong to.
    """

    mode: Mode = "merge"
    endpoints: bool = False
    origin: str | None = None

    def made(self, person: "Person") -> bool:
        """Whether these rows made the person."""
        return person.stored is None or (self.origin is not None and person.stored.import_id == self.origin)

    def first(self, person: "Person") -> bool:
        """Whether this is the import's first row of the person, where that matters."""
        matters = self.origin is not None and (self.endpoints or self.mode == "overwrite")
        return matters and not self.made(person) and person.value("touched_by") != self.origin


@dataclass(slots=True)
class Person:
    """Someone whom rows speak of: as stored (None for someone new), and as the rows want it."""

    contact_id: str
    stored: Contact | None
    wanted: dict[str, Any]

    def value(self, name: str) -> Any:
        return self.wanted[name] if name in self.wanted else getattr(self.stored, name, None)


def merged(person: Person, said: Mapping[str, Any], rules: Rules) -> dict[str, Any]:
    """The values of a person after a row. Raises Invalid when tags or attributes are too many together."""
    first = rules.first(person)
    replaces = rules.mode == "overwrite" and first
    wanted = {name: value for name, value in said.items() if value is not None or replaces}
    held = person.value("email")
    if held and "email" in wanted and addresses.claim(held) == addresses.claim(wanted["email"]):
        del wanted["email"]  # another spelling of the same address is nothing new
    if wanted.get("tags") and not replaces:
        wanted["tags"] = (person.value("tags") or set()) | wanted["tags"]
    if len(wanted.get("tags") or ()) > MOST_TAGS:
        raise Invalid.field("tags", f"a contact has at most {MOST_TAGS} tags")
    if "attributes" in wanted:
        before = {} if replaces else person.value("attributes") or {}
        adds_up = rules.endpoints and not first
        added = {
            name: united(before.get(name), value) if adds_up and name not in _SINGLE else value
            for name, value in wanted["attributes"].items()
        }
        wanted["attributes"] = changes.merged(before, added)
    if "consent" in wanted:
        wanted["consent"] = consent.merged(person.value("consent") or {}, wanted["consent"])
    if wanted.get("preferences"):
        wanted["preferences"] = preferences.merged(person.value("preferences"), wanted["preferences"])
    if first:
        wanted["touched_by"] = rules.origin
    return wanted


def second_address(person: Person, said: Mapping[str, Any]) -> str | None:
    """The field of a row for which the person has another address already."""
    for name in _CHANNELS:
        held = person.value(name)
        if held and said.get(name) and addresses.claim(held) != addresses.claim(said[name]):
            return name
    return None


def without(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What a row says without an address, and without the consent that was for it; a refusal stays one."""
    kept = {key: value for key, value in said.items() if key != name}
    if "consent" not in kept:
        return kept
    channel = _CHANNELS[name]
    refused = kept["consent"].get(channel, {}).get("status") == "revoked"
    return {**kept, "consent": {key: one for key, one in kept["consent"].items() if key != channel or refused}}


def united(held: Any, more: Any) -> Any:
    """Both, without repetition: one value stays plain, several are a list."""
    if held is None or held == more:
        return more
    both = [*(held if isinstance(held, list) else [held]), *(more if isinstance(more, list) else [more])]
    found: list[Any] = []
    for one in both:
        if one not in found:
            found.append(one)
    return found if len(found) > 1 else found[0]
