"""What ends an entry early: the contact is gone, its consent, its segment, the goal. Looked at whenever something is to
be done for the entry, so that an exit wins over a step of the same moment."""

from collections.abc import Mapping
from typing import Any

from drumbeat import channels, clock, money
from drumbeat.contacts.model import Contact
from drumbeat.journeys.entries import Entry, State
from drumbeat.journeys.looking import Person
from drumbeat.journeys.rules import Ends, Event
from drumbeat.journeys.steps import Definition
from drumbeat.segments import people

GONE = Ends(State.EXITED, "contact_deleted")


def due(definition: Definition, entry: Entry, person: Person) -> Ends | None:
    """Why the entry is over, if it is. Reads Member, Timeline."""
    said = definition.terms.exit_on
    if said.unsubscribe and unsubscribed(definition, person.contact):
        return Ends(State.EXITED, "unsubscribed")
    if said.segment is not None and not _inside(person.contact, said.segment):
        return Ends(State.EXITED, "left_segment")
    if said.goal and definition.terms.goal is not None and entry.goal is None:
        event = reached(definition, entry, person)
        return Ends(State.EXITED, "goal", event) if event else None
    return Ends(State.EXITED, "goal") if said.goal and entry.goal is not None else None


def unsubscribed(definition: Definition, contact: Contact) -> bool:
    """Whether the contact has revoked its consent to all marketing of the journey."""
    wanted = {channels.get(name).consent for name in definition.channels()} - {None}
    held = [((contact.consent or {}).get(kind) or {}).get("status") for kind in wanted]
    return bool(held) and all(status == "revoked" for status in held)


def _inside(contact: Contact, segment_id: str) -> bool:
    return bool(people.segments(contact.tenant, [contact.contact_id], [segment_id]))


def reached(definition: Definition, entry: Entry, person: Person) -> Event | None:
    """The event by which the entry has reached the journey's goal, in time."""
    goal = definition.terms.goal
    if goal is None:
        return None
    event = person.happened(goal.event, goal.filters, entry.caused_at, frozenset({entry.cause}))
    return event if event and in_time(definition, entry, event) else None


def in_time(definition: Definition, entry: Entry, event: Event) -> bool:
    """Whether an event is within the time in which the goal counts."""
    goal = definition.terms.goal
    return goal is not None and entry.caused_at <= event.at <= entry.entered_at + goal.within


def as_goal(event: Event, currency: str) -> dict[str, Any]:
    """What an entry keeps of the event; `value` in minor units, where it says one."""
    kept: dict[str, Any] = {"at": clock.iso(event.at)}
    if event.event_id:
        kept["event_id"] = event.event_id
    value = _value(event.properties, currency)
    return {**kept, **({"value": value[0], "currency": value[1]} if value else {})}


def _value(properties: Mapping[str, Any], currency: str) -> tuple[int, str] | None:
    said = properties.get("value")
    if isinstance(said, bool) or not isinstance(said, int | float) or said < 0:
        return None
    named = properties.get("currency")
    chosen = named if isinstance(named, str) and len(named) == 3 else currency
    return int(money.to_minor(said, chosen)), chosen
