"""Meeting what happened: an event lets contacts enter, ends waits for it, and reaches goals.

Whoever begins to wait looks back afterwards (`look_back`), and whoever's time is out looks again: so an event is seen
even if its message came before the wait began, or never.
"""

from contextlib import suppress
from typing import Any

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.activity import interest
from drumbeat.activity.interest import JOINED, LEFT
from drumbeat.activity.model import Timeline
from drumbeat.activity.work import HappenedMessage, StayMessage
from drumbeat.journeys import entries, leaving, looking, model, triggering, wakes
from drumbeat.journeys.entries import Entry, Outcome, State, record
from drumbeat.journeys.looking import Person
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.rules import Event
from drumbeat.journeys.steps import Definition, WaitForEvent
from drumbeat.journeys.terms import EventTrigger, Happening, SegmentTrigger
from drumbeat.journeys.triggering import Candidate
from drumbeat.journeys.versions import Versions
from drumbeat.table import ConditionFailed

# An entry that others move all the time is looked at again so often; then its own time-out looks.
TRIES = 5


def meet(message: HappenedMessage) -> None:
    """Something has happened that a journey of the tenant may wait for. It may come twice, and late: whoever has joined
    a segment again since stays."""
    tenant, contact_id = message.tenant, message.contact
    if message.row is not None:
        _happened(tenant, contact_id, message.row)
    if message.stay is not None:
        tell = joined if message.stay.left_at is None else left
        tell(tenant, contact_id, message.stay)


def _happened(tenant: str, contact_id: str, place: str) -> None:
    """An event of a timeline was written."""
    row = Timeline.fetch(Timeline.partition(tenant, contact_id), place)
    if row is None or row.machine:
        return
    event, about = looking.event_of(row), settings.of(tenant)
    for journey_id in interest.listeners(tenant, interest.EVENT, row.name):
        journey = Journey.fetch(*Journey.key(tenant, journey_id))
        if journey is None or journey.status == Status.ARCHIVED or not int(journey.version):
            continue  # nobody is in it, nor may be
        versions = Versions(tenant, journey_id)
        _inside(versions, contact_id, row.name, event, about)
        definition, _ = versions.of(int(journey.version))
        trigger = definition.trigger
        if isinstance(trigger, EventTrigger) and _is(trigger, row.name, event, about):
            said = {"event": row.name, "event_id": event.event_id}
            one = Candidate(contact_id, event.event_id, event.at, clock.business(), said)
            triggering.enter(journey, definition, [one])


def _is(wanted: Happening | WaitForEvent, name: str, event: Event, about: Settings) -> bool:
    return wanted.event == name and looking.fits(event, wanted.filters, clock.business(), about)


def _inside(versions: Versions, contact_id: str, name: str, event: Event, about: Settings) -> None:
    """What the event means for the contact's latest entry."""
    for _ in range(TRIES):
        entry = entries.latest(versions.tenant, versions.journey_id, contact_id)
        if entry is None or entry.cause == event.event_id:
            return
        definition = versions.at(entry).definition if entry.step else versions.of(int(entry.version))[0]
        with suppress(ConditionFailed):
            goal = definition.terms.goal
            wanted = goal is not None and entry.goal is None and _is(goal, name, event, about)
            if wanted and leaving.in_time(definition, entry, event) and _reach(entry, definition, event, about):
                return
            step = waits_for(entry, definition)
            if step is not None and _is(step, name, event, about):
                met(entry, event)
            return


def _reach(entry: Entry, definition: Definition, event: Event, about: Settings) -> bool:
    """The goal is reached; whether the entry has ended with that. Raises ConditionFailed when it has moved."""
    said: list[Any] = [Entry.goal.set(leaving.as_goal(event, about.currency))]
    ends = entry.state == State.WAITING and definition.terms.exit_on.goal
    if ends:
        now = clock.business()
        told = record(str(entry.step), "exit", now, Outcome.EXITED, "goal", event=event.event_id)
        said += [Entry.records.set(entries.kept([*entry.said, told])), *entries.ended(State.EXITED, "goal", now)]
    else:
        said.append(Entry.moves.add(1))
    entry.change(*said, condition=entry.as_it_was())
    return ends


def waits_for(entry: Entry, definition: Definition) -> WaitForEvent | None:
    """The step in which an entry waits for an event."""
    step = definition.step(entry.step) if entry.state == State.WAITING and entry.begun and entry.step else None
    return step if isinstance(step, WaitForEvent) and entry.met is None else None


def met(entry: Entry, event: Event) -> None:
    """What the entry waits for has happened: it waits in a wake that is due now. An event from before the step, or one
    that had its effect, is another one. Raises ConditionFailed when the entry has moved."""
    if event.at < entry.since or event.event_id in {entry.cause, *(said.get("event") for said in entry.said)}:
        return
    wake = wakes.reserve(entry.tenant, entry.journey_id, int(entry.version), clock.business(), 1)
    wakes.put(wake, [(entry.contact_id, entry.number)])
    entry.change(
        Entry.met.set({"event_id": event.event_id, "at": clock.iso(event.at)}), Entry.wake.set(wake.place),
        Entry.moves.add(1), condition=entry.as_it_was(),
    )  # fmt: skip
    if not wakes.confirm(wake):
        wakes.move([entry], clock.business())


def look_back(entry: Entry, definition: Definition, person: Person) -> None:
    """After an entry began to wait for an event: whether that has come meanwhile. Reads Timeline."""
    step = waits_for(entry, definition)
    if step is None:
        return
    known = frozenset({entry.cause, *(said["event"] for said in entry.said if "event" in said)})
    event = person.happened(step.event, step.filters, entry.since, known)
    if event is not None:
        with suppress(ConditionFailed):  # somebody else has met it
            met(entry, event)


def joined(tenant: str, contact_id: str, stay: StayMessage) -> None:
    """A contact has joined a segment. It may be told twice."""
    for journey_id in interest.listeners(tenant, JOINED, stay.segment):
        journey = Journey.fetch(*Journey.key(tenant, journey_id))
        if journey is not None and int(journey.version):
            definition = model.version(tenant, journey_id, int(journey.version)).read
            trigger = definition.trigger
            # An earlier version may have followed it.
            if isinstance(trigger, SegmentTrigger) and trigger.segment == stay.segment:
                said = {"segment_id": stay.segment, "event_id": stay.event_id}
                one = Candidate(contact_id, stay.event_id, stay.joined_at, clock.business(), said)
                triggering.enter(journey, definition, [one])


def left(tenant: str, contact_id: str, stay: StayMessage) -> None:
    """A contact has left a segment: whoever is inside since before that leaves journeys that ask for it."""
    for journey_id in interest.listeners(tenant, LEFT, stay.segment):
        versions = Versions(tenant, journey_id)
        for _ in range(TRIES):
            entry = entries.latest(tenant, journey_id, contact_id)
            if entry is None or entry.state != State.WAITING or (stay.left_at or stay.joined_at) <= entry.caused_at:
                break
            if versions.at(entry).definition.terms.exit_on.segment != stay.segment:
                break
            now = clock.business()
            told = record(str(entry.step), "exit", now, Outcome.EXITED, "left_segment")
            said = Entry.records.set(entries.kept([*entry.said, told]))
            with suppress(ConditionFailed):
                entry.change(said, *entries.ended(State.EXITED, "left_segment", now), condition=entry.as_it_was())
                break
