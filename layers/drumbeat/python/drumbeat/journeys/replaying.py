"""What would have become of one contact: its past, replayed through a journey by the engine's own rules, with a clock
that jumps from one wake to the next. Nothing is read while it runs, and nothing is written.

What events said, purchases and segments that events define are as they were then; a contact's own fields, attributes
and consent are as they are now. Messages were not sent, so whether they would have been opened is assumed: the same
contact opens the same message in every replay, and clicks only what it opens.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from drumbeat import channels, ids
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import Contact
from drumbeat.journeys import effects, leaving, looking, rules, wakes
from drumbeat.journeys.deeds import UpdateContact
from drumbeat.journeys.entries import State
from drumbeat.journeys.rules import Does, Ends, Event, Place, Waits
from drumbeat.journeys.steps import END, Definition, Send, WaitForEvent
from drumbeat.segments import people
from drumbeat.segments import rules as segment_rules
from drumbeat.segments.behaviour import PropertyCondition
from drumbeat.segments.facts import Happened
from drumbeat.segments.history import Stay
from drumbeat.sends.moment import places

# One that goes round for ever stops here.
MOST_WAKES = 500


@dataclass(frozen=True, slots=True)
class Assumed:
    """Percent of messages that would have arrived, and been opened and clicked by people."""

    received: float = 100.0
    opened: float = 30.0
    clicked: float = 5.0


class Cause(NamedTuple):
    """What lets the contact in, and when."""

    event_id: str
    at: datetime


@dataclass(slots=True)
class Seen:
    """What would have happened, for one contact. `steps` are step and outcome; `messages` are day (of the tenant's
    zone) and channel; `withheld` are messages that the contact could not get today, by reason."""

    entries: int = 0
    held_out: int = 0
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
    messages: Counter[tuple[str, str]] = field(default_factory=Counter)
    withheld: Counter[str] = field(default_factory=Counter)
    ended: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    path: list[str] = field(default_factory=list)


def inside_at(stays: Iterable[Stay], at: datetime) -> bool:
    """Whether one of the stays in a segment was then."""
    return any(stay.joined <= at and (stay.left is None or at < stay.left) for stay in stays)


class Past:
    """A contact at a moment of its past, as `rules.Look` asks about it. `rows` are its timeline, the earliest first;
    `counts` its events by name and day, `stays` its stays in the segment that the journey asks everybody to be in."""

    def __init__(
        self,
        contact: Contact,
        about: Settings,
        rows: Sequence[Timeline],
        counts: Mapping[str, Mapping[date, int]],
        inside: Collection[str],
        assumed: Assumed,
        stays: Sequence[Stay] = (),
    ) -> None:
        self.contact, self.about, self.rows, self.counts = contact, about, rows, counts
        self.inside, self.assumed, self.stays = inside, assumed, stays
        self.now = rows[-1].at if rows else contact.created_at
        self.attributes = dict(contact.attributes or {})

    @cached_property
    def zone(self) -> str:
        return places.of(self.contact, self.about.time_zone, None).zones[0]

    @cached_property
    def _facts(self) -> Any:
        return people.facts_of(self.contact, self.about, {})

    def fits(self, criteria: Mapping[str, Any]) -> bool:
        read, zone = segment_rules.parse(criteria), ZoneInfo(self.about.time_zone)
        today = self.now.astimezone(zone).date()
        rollups = {name: {day: n for day, n in days.items() if day <= today} for name, days in self.counts.items()}
        happened: dict[str, list[Happened]] = {}
        for row in self._until_now():
            said = {**(row.data or {}), **(row.properties or {})}
            happened.setdefault(row.name, []).append(
                Happened(row.at, row.at.astimezone(zone).date(), said, row.campaign)
            )
        facts = replace(self._facts, attributes=self.attributes, rollups=rollups, happened=happened)
        return segment_rules.matches(read, people.within(facts, self.inside), self.now, zone)

    def did(self, activity: str, message: Sequence[Any]) -> bool:
        share: float = getattr(self.assumed, activity)
        return rules.fraction("dry run", *map(str, message)) * 100 < share

    def happened(
        self, event: str, filters: Sequence[PropertyCondition], since: datetime, besides: frozenset[str]
    ) -> Event | None:
        return self.next(event, filters, since, self.now, besides)

    def next(
        self,
        event: str,
        filters: Sequence[PropertyCondition],
        since: datetime,
        until: datetime,
        besides: frozenset[str],
    ) -> Event | None:
        """The first such event in a time."""
        for row in self.rows:
            if row.name == event and since <= row.at <= until and row.event_id not in besides:
                found = looking.event_of(row)
                if looking.fits(found, filters, row.at, self.about):
                    return found
        return None

    def value(self, attribute: str) -> object:
        return replace(self._facts, attributes=self.attributes).value(attribute)

    def _until_now(self) -> Iterator[Timeline]:
        return (row for row in self.rows if row.at <= self.now)


def replay(journey_id: str, definition: Definition, past: Past, causes: Sequence[Cause], until: datetime) -> Seen:
    """Let the contact in for each cause that the journey's terms allow, and follow it until now."""
    seen = Seen()
    over: datetime | None = None
    last: datetime | None = None
    for cause in sorted(causes, key=lambda one: one.at):
        if rules.held_out(journey_id, past.contact.contact_id, definition.terms.holdout):
            seen.held_out = 1
            continue
        if last is not None and (over is None or cause.at < over or not _again(definition, last, cause.at)):
            continue
        last = cause.at
        over = _Run(journey_id, definition, past, cause, until, seen).end()
    return seen


def _again(definition: Definition, last: datetime, at: datetime) -> bool:
    terms = definition.terms.re_entry
    return at >= last + terms if isinstance(terms, timedelta) else terms == "always"


class _Run:
    """One entry."""

    def __init__(
        self, journey_id: str, definition: Definition, past: Past, cause: Cause, until: datetime, seen: Seen
    ) -> None:
        self.definition, self.past, self.cause, self.until, self.seen = definition, past, cause, until, seen
        self.entry_id = ids.derived("ent", journey_id, past.contact.contact_id, cause.event_id)
        self.records: list[dict[str, Any]] = []
        seen.entries += 1

    def end(self) -> datetime | None:
        """When it was over; None while it is not."""
        now = wakes.minute_of(self.cause.at)
        place = self._place(self.definition.first, begun=False, since=self.cause.at, due_at=now)
        for _ in range(MOST_WAKES):
            if now > self.until:
                self.seen.waiting[place.step] += 1
                return None
            self.past.now = now
            if (why := self._left(now)) is not None:
                return self._over(why, now)
            walk = rules.walk(self.definition, place, self.past, now)
            self._note(walk.records, now)
            match walk.stop:
                case Ends(state=state, reason=reason):
                    return self._over(reason if state == State.DONE else f"{state}: {reason}", now)
                case Does(effect=effect, then=then, since=since):
                    self._does(effect, now)
                    if then == END:
                        return self._over("completed", now)
                    place = self._place(then, begun=False, since=since, due_at=now)
                case Waits(step=step, since=since, until=until):
                    met = self._meets(step, since, until)
                    place = self._place(step, begun=True, since=since, due_at=until, met=met)
                    now = wakes.minute_of(until if met is None else max(met.at, now))
        return self._over("too many wakes", now)

    def _place(self, step: str, *, begun: bool, since: datetime, due_at: datetime, met: Event | None = None) -> Place:
        told = {"event_id": met.event_id, "at": met.at.isoformat(), "properties": met.properties} if met else None
        return Place(
            entry_id=self.entry_id, step=step, begun=begun, since=since, due_at=due_at, entered=self.cause.at,
            cause=self.cause.event_id, met=told, records=self.records,
        )  # fmt: skip

    def _meets(self, step_id: str, since: datetime, until: datetime) -> Event | None:
        """The event that ends a wait for one, in its time."""
        step = self.definition.step(step_id)
        if not isinstance(step, WaitForEvent):
            return None
        known = frozenset({self.cause.event_id, *(one["event"] for one in self.records if one.get("event"))})
        return self.past.next(step.event, step.filters, since, min(until, self.until), known)

    def _left(self, now: datetime) -> str | None:
        """Why the entry is over early."""
        terms = self.definition.terms
        if terms.exit_on.unsubscribe and leaving.unsubscribed(self.definition, self.past.contact):
            return "exited: unsubscribed"
        if terms.exit_on.segment is not None and not inside_at(self.past.stays, now):
            return "exited: left_segment"
        goal = terms.goal
        if not terms.exit_on.goal or goal is None:
            return None
        end = min(now, self.cause.at + goal.within)
        found = self.past.next(goal.event, goal.filters, self.cause.at, end, frozenset({self.cause.event_id}))
        return "exited: goal" if found else None

    def _over(self, why: str, now: datetime) -> datetime:
        self.seen.ended[why] += 1
        return now

    def _note(self, records: Sequence[Mapping[str, Any]], now: datetime) -> None:
        for said in records:
            kept = dict(said)
            if said["outcome"] == "queued":
                kept["message"] = [self.entry_id, 0, len(self.records), 0]
                self._message(str(said["step"]), str(said.get("channel")), now)
            self.records.append(kept)
            self._step(str(said["step"]), str(said["outcome"]))

    def _step(self, step: str, outcome: str) -> None:
        self.seen.steps[step, outcome] += 1
        self.seen.path.append(f"{step}:{outcome}")

    def _message(self, step_id: str, channel_name: str, now: datetime) -> None:
        """Count it on its day, or why the contact could not get it."""
        step, channel, contact = self.definition.step(step_id), channels.get(channel_name), self.past.contact
        marketing = isinstance(step, Send) and step.purpose == "marketing"
        consent = ((contact.consent or {}).get(channel.consent or "") or {}).get("status")
        if channel.address(contact) is None:
            self.seen.withheld["no_address"] += 1
        elif channel.consent and marketing and consent != "granted":
            self.seen.withheld["consent_revoked" if consent == "revoked" else "no_consent"] += 1
        else:
            day = now.astimezone(ZoneInfo(self.past.about.time_zone)).date().isoformat()
            self.seen.messages[day, channel_name] += 1

    def _does(self, effect: Any, now: datetime) -> None:
        self._step(effect.id, "done")
        if isinstance(effect, UpdateContact):
            changed = effects.changed(effect, self.past.attributes)
            self.past.attributes = {
                name: value for name, value in {**self.past.attributes, **changed}.items() if value is not None
            }
