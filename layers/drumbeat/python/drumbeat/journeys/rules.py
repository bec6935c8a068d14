"""Which step is next: a walk from where an entry is to where it waits, ends, or has something done. Pure.

Waits count from the moment at which the step before was done. If that was long ago (the journey was paused, or work was
late), from now: people are not to get two messages at once because both were late.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol

from drumbeat.journeys import timing
from drumbeat.journeys.deeds import Effect
from drumbeat.journeys.entries import Outcome, State, record
from drumbeat.journeys.steps import (
    END,
    Branch,
    CallWebhook,
    Definition,
    Engagement,
    Exit,
    Goal,
    MessageStep,
    Send,
    Split,
    Wait,
    WaitForEvent,
)
from drumbeat.segments.behaviour import PropertyCondition

# Later than this, a wait counts from now.
LATE = timedelta(hours=1)
# More messages in a row than one transaction takes, beside their recipients' moves, wait for the next wake.
MOST_MESSAGES = 40


class Event(NamedTuple):
    """What happened, in a contact's timeline."""

    event_id: str
    at: datetime
    properties: Mapping[str, Any]


class Look(Protocol):
    """What a walk may ask about the contact."""

    @property
    def zone(self) -> str:
        """The recipient's time zone."""

    def fits(self, criteria: Mapping[str, Any]) -> bool:
        """Whether the contact is as a segment's criteria say."""

    def did(self, activity: str, message: Sequence[Any]) -> bool:
        """Whether a message was `received`, `opened` or `clicked` by a person; it is (send, shard, chunk, number)."""

    def happened(
        self, event: str, filters: Sequence[PropertyCondition], since: datetime, besides: frozenset[str]
    ) -> Event | None:
        """The first event of that name since then that fits, and is none of `besides` (ids)."""

    def value(self, attribute: str) -> object:
        """An attribute, or a field, of the contact."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where an entry is. `begun`: it waits in `step` until `due_at`; otherwise it is about to do it. `since` is when
    the step before was over; `entered` when what let it in happened, by `cause`. `met` is the event that it waited
    for."""

    entry_id: str
    step: str
    begun: bool
    since: datetime
    due_at: datetime
    entered: datetime
    cause: str
    met: Mapping[str, Any] | None = None
    records: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """It waits in a step until then."""

    step: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Does:
    """Something is to be done for it; then it goes on at `then`."""

    effect: Effect
    then: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Ends:
    state: State
    reason: str
    goal: Event | None = None


@dataclass(slots=True)
class Walk:
    """What came of it: records of the steps that were done, messages on the way, and how it stopped."""

    stop: Waits | Does | Ends | None = None
    records: list[dict[str, Any]] = field(default_factory=list)
    messages: list[MessageStep] = field(default_factory=list)


def walk(definition: Definition, place: Place, look: Look, now: datetime) -> Walk:
    """From where the entry is as far as it goes now. A date that the contact lacks ends the entry as failed."""
    return _Walker(definition, place, look, now).walk()


class _Walker:
    def __init__(self, definition: Definition, place: Place, look: Look, now: datetime) -> None:
        self.definition, self.place, self.look, self.now = definition, place, look, now
        self.since = place.since
        # What the next wait counts from.
        self.base = place.due_at if timedelta(0) <= now - place.due_at <= LATE else now
        self.begun = place.begun
        self.found = Walk()

    def walk(self) -> Walk:
        step_id = self.place.step
        while self.found.stop is None:
            if step_id == END:
                self.found.stop = Ends(State.DONE, "completed")
                break
            if len(self.found.messages) == MOST_MESSAGES:
                self.found.stop = Waits(step_id, self.since, self.now)
                break
            step = self.definition.step(step_id)
            if step is None:
                self._note(step_id, "", Outcome.FAILED, "the version has no such step")
                self.found.stop = Ends(State.FAILED, "step_missing")
                break
            try:
                step_id = self._do(step)
            except timing.NoDate as error:
                self._note(step.id, step.type, Outcome.FAILED, str(error))
                self.found.stop = Ends(State.FAILED, f"{step.id}: {error}")
            self.begun = False
        return self.found

    def _note(self, step: str, kind: str, outcome: Outcome, why: str = "", **more: Any) -> None:
        self.found.records.append(record(step, kind, self.now, outcome, why, **more))

    def _do(self, step: Any) -> str:
        """Does a step; gives the next one's id, unless it stopped."""
        match step:
            case Wait():
                return self._wait(step)
            case WaitForEvent():
                return self._wait_for_event(step)
            case Branch():
                return self._branch(step)
            case Split():
                return self._split(step)
            case Send() | CallWebhook():
                self._note(step.id, step.type, Outcome.QUEUED, channel=step.channel)
                self.found.messages.append(step)
            case Goal():
                return self._goal(step)
            case Exit():
                self._note(step.id, step.type, Outcome.EXITED, step.reason or "")
                self.found.stop = Ends(State.DONE, step.reason or "exit_step")
            case _:
                then = self.definition.target(step, step.next)
                self.found.stop = Does(step, then, self.since)
                return then
        return self.definition.target(step, step.next)

    def _wait(self, step: Wait) -> str:
        if self.begun:
            until = self.place.due_at
        else:
            until = self._until(step)
            if until > self.now:
                self.found.stop = Waits(step.id, self.since, until)
                return step.id
        self.since = max(self.since, until)
        self._note(step.id, step.type, Outcome.DONE)
        return self.definition.target(step, step.next)

    def _until(self, step: Wait) -> datetime:
        if step.duration is not None:
            return self.base + step.duration
        if step.until_time is not None:
            return timing.next_local(step.until_time, step.weekdays, self.now, self.look.zone)
        assert step.until_date is not None  # noqa: S101 - one of the three, as the model checks
        value = self.look.value(step.until_date.attribute)
        return timing.until(step.until_date, value, self.now, self.look.zone)

    def _wait_for_event(self, step: WaitForEvent) -> str:
        event = self._met() if self.begun else None
        if event is None:  # its message may be late, or have come before the entry waited
            event = self.look.happened(step.event, step.filters, self.since, self._known())
        if event is not None:
            self._note(step.id, step.type, Outcome.HAPPENED, step.event, event=event.event_id)
            self.since = max(self.since, event.at)
            return self.definition.target(step, step.next)
        until = self.place.due_at if self.begun else self.base + step.time_out
        if until > self.now:
            self.found.stop = Waits(step.id, self.since, until)
            return step.id
        self.since = max(self.since, until)
        self._note(step.id, step.type, Outcome.TIMED_OUT)
        return self.definition.target(step, step.on_time_out)

    def _met(self) -> Event | None:
        met = self.place.met
        return Event(met["event_id"], datetime.fromisoformat(met["at"]), met.get("properties", {})) if met else None

    def _known(self) -> frozenset[str]:
        """Events that have had their effect on this entry."""
        told = (said.get("event") for said in (*self.place.records, *self.found.records))
        return frozenset({self.place.cause, *(one for one in told if one)})

    def _branch(self, step: Branch) -> str:
        if step.engagement is not None:
            held = self._engaged(step.engagement)
            why = f"{step.engagement.activity} {'' if held else 'not '}by a person".replace("  ", " ")
        else:
            held, why = self.look.fits(step.criteria or {}), "criteria"
        self._note(step.id, step.type, Outcome.TRUE if held else Outcome.FALSE, why)
        return self.definition.target(step, step.if_true if held else step.if_false)

    def _engaged(self, asked: Engagement) -> bool:
        sent = [
            said
            for said in self.place.records
            if said.get("message") and asked.step in (None, said["step"]) and asked.channel in (None, said["channel"])
        ]
        return bool(sent) and self.look.did(asked.activity, sent[-1]["message"])

    def _split(self, step: Split) -> str:
        chance = fraction(self.place.entry_id, step.id) * sum(path.weight for path in step.paths)
        for number, path in enumerate(step.paths):
            chance -= path.weight
            if chance < 0 or number == len(step.paths) - 1:
                self._note(step.id, step.type, Outcome.PATH, f"path {number + 1} of {len(step.paths)}")
                return self.definition.target(step, path.next)
        raise AssertionError("a split has paths")

    def _goal(self, step: Goal) -> str:
        if step.event is None:
            self._note(step.id, step.type, Outcome.REACHED)
            self.found.stop = Ends(State.DONE, "goal", Event("", self.now, {}))
            return END
        event = self.look.happened(step.event, step.filters, self.place.entered, frozenset({self.place.cause}))
        if event is None:
            self._note(step.id, step.type, Outcome.NOT_REACHED, step.event)
            return self.definition.target(step, step.next)
        self._note(step.id, step.type, Outcome.REACHED, step.event, event=event.event_id)
        self.found.stop = Ends(State.DONE, "goal", event)
        return END


def fraction(*what: str) -> float:
    """A place in 0 to 1 (never 1) that follows from what it is of, and is evenly spread."""
    digest = hashlib.sha256("\x1f".join(what).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def held_out(journey_id: str, contact_id: str, percent: float) -> bool:
    """Whether a contact belongs to the share of a journey that gets nothing: always the same."""
    return fraction("holdout", journey_id, contact_id) * 100 < percent


def carried_over(old: Definition, new: Definition, step_id: str) -> str | None:
    """The step of another version at which somebody goes on who is at `step_id`: the same; where that has vanished, the
    next one, in the old order, that is still there. None: there is none."""
    ids = [step.id for step in old.steps]
    if step_id not in ids:
        return step_id if new.step(step_id) else None
    return next((one for one in ids[ids.index(step_id) :] if new.step(one)), None)
