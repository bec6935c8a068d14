"""Letting contacts enter: each once for a cause, and again only as the journey's terms allow.

Places in a wake and members' rows come first, then the entry, whose number must be free; so of two who let the same
contact in at once, one wins, and the other finds the entry. Repeating it with the same cause lets nobody in twice, and
puts right what a call that died had left undone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.journeys import entries, model, rules, wakes
from drumbeat.journeys.entries import Entry, Outcome, State, record
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.wakes import Wake
from drumbeat.table import ConditionFailed

# A date lets contacts in before it comes (journeys.recurring): by a day and some hours.
EARLY = timedelta(days=2)


class Became(StrEnum):
    """What came of letting somebody in."""

    ENTERED = "entered"
    HOLDOUT = "holdout"
    INSIDE = "already_inside"
    BEFORE = "entered_before"
    TOO_SOON = "too_soon"
    PAUSED = "journey_paused"
    NOT_ACTIVE = "journey_not_active"


class Candidate(NamedTuple):
    """Somebody who is to enter: why (`cause`, once), when that happened, and when the first step is due."""

    contact_id: str
    cause: str
    at: datetime
    due_at: datetime
    trigger: dict[str, Any]


def refusal(journey: Journey, definition: Definition) -> Became | None:
    """Why nobody may enter now."""
    if not settings.of(journey.tenant).automation.allows(journey.face):
        return Became.NOT_ACTIVE
    if journey.status == Status.PAUSED:
        return Became.PAUSED if definition.terms.while_paused == "refuse" else None
    return None if journey.status == Status.ACTIVE else Became.NOT_ACTIVE


def enter(journey: Journey, definition: Definition, candidates: Iterable[Candidate]) -> dict[str, Became]:
    """Let contacts into the journey's latest version, whose definition is given; at most 1,000 at a time. What became
    of each, by contact id. Writes Wake, Entry."""
    wanted = list(candidates)
    refused = refusal(journey, definition)
    if refused is not None:
        return {one.contact_id: refused for one in wanted}
    found: dict[str, Became] = {}
    held = [one for one in wanted if rules.held_out(journey.journey_id, one.contact_id, definition.terms.holdout)]
    for one in held:
        found[one.contact_id] = _enter(journey, definition, one, None)
    out = {one.contact_id for one in held}
    groups: dict[datetime, list[Candidate]] = {}
    for one in wanted:
        if one.contact_id not in out:
            groups.setdefault(wakes.minute_of(one.due_at), []).append(one)
    for minute, members in groups.items():
        found |= _together(journey, definition, minute, members)
    return found


def _together(
    journey: Journey, definition: Definition, minute: datetime, members: Sequence[Candidate]
) -> dict[str, Became]:
    """Let in who is due in the same minute. Their rows say entry number 1, as most people's is."""
    version = int(journey.version)
    wake = wakes.reserve(journey.tenant, journey.journey_id, version, minute, len(members))
    wakes.put(wake, [(one.contact_id, 1) for one in members])
    found = {one.contact_id: _enter(journey, definition, one, wake) for one in members}
    if not wakes.confirm(wake):
        stored = Entry.many(Entry.key(journey.tenant, journey.journey_id, one.contact_id, 1) for one in members)
        wakes.move([entry for entry in stored if _waits_in(entry, wake)], clock.business())
    return found


def _waits_in(entry: Entry, wake: Wake) -> bool:
    return bool(entry.state == State.WAITING and entry.wake == wake.place)


def _enter(journey: Journey, definition: Definition, one: Candidate, wake: Wake | None) -> Became:
    """Make the entry; without a wake it is held out."""
    try:
        _entry(journey, definition, one, 1, wake).create()
    except ConditionFailed as taken:
        first = Entry.from_raw_data(taken.found or {})
        if first.cause == one.cause:
            return _repeated(first)
        return _again(journey, definition, one)
    return Became.ENTERED if wake else Became.HOLDOUT


def _entry(journey: Journey, definition: Definition, one: Candidate, number: int, wake: Wake | None) -> Entry:
    now = clock.business()
    said = record(definition.first, "entry", now, Outcome.DONE if wake else Outcome.SKIPPED, "" if wake else "holdout")
    waits = {"step": definition.first, "wake": wake.place, "due_at": max(one.due_at, now)} if wake else {}
    return entries.begun(
        journey.tenant, journey.journey_id, number, one.contact_id, now, version=int(journey.version),
        state=State.WAITING.value if wake else State.HOLDOUT.value, since=one.at, cause=one.cause, caused_at=one.at,
        trigger=one.trigger or None, records=[said], **waits,
    )  # fmt: skip


def _again(journey: Journey, definition: Definition, one: Candidate) -> Became:
    """The contact was here before. Entries from long before the cause cannot be this cause's."""
    while True:
        latest = None
        for entry in entries.of(journey.tenant, journey.journey_id, one.contact_id):
            latest = latest or entry
            if entry.cause == one.cause:
                return _repeated(entry)
            if entry.entered_at < one.at - EARLY:
                break
        assert latest is not None  # noqa: S101 - entries are never deleted while their contact is there
        refused = _refused(definition, latest, one)
        if refused is not None:
            return refused
        number = latest.number + 1
        wake = wakes.reserve(journey.tenant, journey.journey_id, int(journey.version), one.due_at, 1)
        wakes.put(wake, [(one.contact_id, number)])
        entry = _entry(journey, definition, one, number, wake)
        try:
            entry.create()
        except ConditionFailed:
            continue  # somebody else let it in at the same time
        if not wakes.confirm(wake):
            wakes.move([entry], clock.business())
        return Became.ENTERED


def _refused(definition: Definition, latest: Entry, one: Candidate) -> Became | None:
    terms = definition.terms.re_entry
    if latest.state == State.HOLDOUT:
        return Became.HOLDOUT
    if latest.is_open:
        return Became.INSIDE
    if terms == "never":
        return Became.BEFORE
    if isinstance(terms, timedelta) and one.at < latest.entered_at + terms:
        return Became.TOO_SOON
    return None


def _repeated(entry: Entry) -> Became:
    """It entered by the same cause before. Should it wait in a wake that had closed without it, it waits in another."""
    if entry.state == State.WAITING and entry.wake:
        wake = Wake.fetch(*Wake.key(entry.tenant, entry.journey_id, entry.wake))
        if wake is None or not wakes.confirm(wake):
            wakes.move([entry], clock.business())
    return Became.HOLDOUT if entry.state == State.HOLDOUT else Became.ENTERED


def enrol_from(tenant: str, reference: str, contact_id: str, cause: str, trigger: dict[str, Any]) -> str:
    """Let one contact into a journey because a step of another one says so; what became of it. Raises NotFound."""
    journey = model.get(tenant, reference)
    if not int(journey.version):
        return Became.NOT_ACTIVE
    now = clock.business()
    definition = model.version(tenant, journey.journey_id, int(journey.version)).read
    one = Candidate(contact_id, cause, now, now, trigger)
    return enter(journey, definition, [one])[contact_id]
