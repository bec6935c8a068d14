"""The work of a dry run: contact by contact, what would have let them in, and what would have become of them."""

import itertools
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.settings import Settings
from drumbeat.activity import rollups
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.journeys import dates, looking, replaying, rules
from drumbeat.journeys.dry_run import DryRun, nothing
from drumbeat.journeys.replaying import Assumed, Cause, Past, Seen
from drumbeat.journeys.steps import Branch, Definition
from drumbeat.journeys.terms import DateTrigger, EventTrigger, ScheduleTrigger, SegmentTrigger
from drumbeat.segments import history, people
from drumbeat.segments.history import Spell, Stay
from drumbeat.segments.model import Member
from drumbeat.segments.rules import parse, references, together
from drumbeat.table import ConditionFailed

# Contacts that are shown one by one, and rows of a timeline that are looked at: no person does so much.
SAMPLE, MOST_ROWS = 20, 5_000
# Wall seconds of a round.
ROUND = 60.0
READS = (Tenant, Contact, Timeline, RollUp, Member, Spell)


def round_of(state: dict[str, Any], seconds: float = ROUND) -> dict[str, Any]:
    """A round: contacts shard by shard, from the stored place on, as long as it may take. Reads `READS`; writes
    DryRun."""
    row = DryRun.fetch(*DryRun.key(state["tenant"], state["job"]))
    if row is None or row.state == "done":
        return {**state, "done": True}
    run, until = _Replays(row), time.monotonic() + seconds
    while int(row.shard) < contacts.SHARDS and time.monotonic() < until:
        page = list(itertools.islice(contacts.ids_in(row.tenant, int(row.shard), after=row.after), 1_000))
        for start in range(0, len(page), table.MOST_IN_BATCH_GET):
            run.add(page[start : start + table.MOST_IN_BATCH_GET])
            if time.monotonic() > until:
                page = page[: start + table.MOST_IN_BATCH_GET]
                break
        row.after = page[-1] if page else None
        if not page:
            row.shard = int(row.shard) + 1
    done = int(row.shard) >= contacts.SHARDS
    _store(row, run.numbers, done=done)
    return {**state, "wait_seconds": 0, "done": done}


def _store(row: DryRun, numbers: dict[str, Any], *, done: bool) -> None:
    """The counts and the place that they belong to, if nobody else has gone on meanwhile."""
    actions = [
        DryRun.numbers.set(numbers), DryRun.shard.set(int(row.shard)),
        DryRun.after.set(row.after) if row.after else DryRun.after.remove(),
    ]  # fmt: skip
    if done:
        actions += [DryRun.state.set("done"), DryRun.finished_at.set(clock.business())]
    with suppress(ConditionFailed):
        row.change(*actions, unchanged=True)


class _Replays:
    """Replays contacts, and adds up what came of it."""

    def __init__(self, row: DryRun) -> None:
        self.row, self.tenant = row, row.tenant
        self.numbers = {**nothing(), **row.numbers}
        self.definition = Definition.model_validate(row.definition)
        self.about: Settings = settings.of(row.tenant)
        self.assumed = Assumed(**row.assumed)
        # Whoever is held out of a journey is so in its dry run; and in every run of one that is stored nowhere.
        self.journey_id = row.journey_id or "draft"
        asked = [parse(step.criteria) for step in self.definition.steps if isinstance(step, Branch) and step.criteria]
        used = [references(one) for one in asked]
        self.needs = together(one.needs for one in used)
        self.segments = frozenset().union(*(one.segments for one in used))

    def add(self, contact_ids: list[str]) -> None:
        chosen = [one for one in contact_ids if rules.fraction("dry run", one) < float(self.row.share)]
        inside = people.segments(self.tenant, chosen, self.segments) if self.segments else {}
        for contact in contacts.many(self.tenant, chosen):
            self.numbers["looked_at"] += 1
            rows = self._timeline(contact.contact_id)
            causes = list(self._causes(contact, rows))
            if causes:
                counted = rollups.for_contact(self.tenant, contact.contact_id, self.needs.counted)
                within = inside.get(contact.contact_id, set())
                past = Past(contact, self.about, rows, counted, within, self.assumed, self._stays(contact))
                self._count(contact, replaying.replay(self.journey_id, self.definition, past, causes, self.row.until))

    def _stays(self, contact: Contact) -> list[Stay]:
        """In the segment that whoever leaves it leaves the journey."""
        segment = self.definition.terms.exit_on.segment
        return history.of_contact(self.tenant, segment, contact.contact_id) if segment else []

    def _timeline(self, contact_id: str) -> list[Timeline]:
        """What people did, the earliest first: in the time that is replayed, and before, as far as branches look."""
        start = clock.iso(self.row.since - timedelta(days=self.needs.days + 1 if self.needs.days else 0))
        rows = table.rows(
            Timeline, Timeline.partition(self.tenant, contact_id), start=start, end=clock.iso(self.row.until) + "~",
            newest_first=True, consistent=False,
        )  # fmt: skip
        return [row for row in itertools.islice(rows, MOST_ROWS) if not row.machine][::-1]

    def _causes(self, contact: Contact, rows: list[Timeline]) -> Iterator[Cause]:
        """What would have let the contact in."""
        since, until, trigger = self.row.since, self.row.until, self.definition.trigger
        if isinstance(trigger, EventTrigger):
            for row in rows:
                event = looking.event_of(row)
                if (
                    row.name == trigger.event
                    and row.at >= since
                    and looking.fits(event, trigger.filters, row.at, self.about)
                ):
                    yield Cause(row.event_id, row.at)
        elif isinstance(trigger, SegmentTrigger):
            for stay in history.of_contact(self.tenant, trigger.segment, contact.contact_id):
                if since <= stay.joined <= until:
                    yield Cause(f"joined#{clock.iso(stay.joined)}", stay.joined)
        elif isinstance(trigger, DateTrigger):
            yield from self._turns(contact, trigger)
        elif isinstance(trigger, ScheduleTrigger):
            stays = history.of_contact(self.tenant, trigger.segment, contact.contact_id)
            for at in self._schedule(trigger):
                if replaying.inside_at(stays, at):
                    yield Cause(f"schedule#{clock.iso(at)}", at)

    def _turns(self, contact: Contact, trigger: DateTrigger) -> Iterator[Cause]:
        source = {
            "since": clock.iso(self.row.since), "until": clock.iso(self.row.until),
            "date": {"attribute": trigger.attribute, "days": trigger.days, "at": trigger.at, "yearly": trigger.yearly},
        }  # fmt: skip
        turn = dates.turn(source, contact, self.about)
        if turn is None:
            return
        if trigger.segment is not None:
            stays = history.of_contact(self.tenant, trigger.segment, contact.contact_id)
            if not replaying.inside_at(stays, turn.at):
                return
        yield Cause(f"date#{turn.day.isoformat()}", turn.at)

    def _schedule(self, trigger: ScheduleTrigger) -> Iterator[datetime]:
        """The times of a schedule in the period; one that begins later is taken as if it had always been."""
        if trigger.every is None:
            if self.row.since <= trigger.at <= self.row.until:
                yield trigger.at
            return
        behind = -(-(self.row.since - trigger.at) // trigger.every)
        at = trigger.at + behind * trigger.every
        while at <= self.row.until:
            yield at
            at += trigger.every

    def _count(self, contact: Contact, seen: Seen) -> None:
        numbers = self.numbers
        numbers["entered"] += seen.entries > 0
        numbers["entries"] += seen.entries
        numbers["held_out"] += seen.held_out
        for step, outcome in seen.steps:
            _more(numbers["steps"].setdefault(step, {}), outcome, seen.steps[step, outcome])
        for day, channel in seen.messages:
            _more(numbers["messages"].setdefault(day, {}), channel, seen.messages[day, channel])
        for name in ("ended", "waiting", "withheld"):
            for key, many in getattr(seen, name).items():
                _more(numbers[name], key, many)
        if seen.entries and len(numbers["sample"]) < SAMPLE:
            numbers["sample"].append([contact.contact_id, seen.path[:50]])


def _more(held: dict[str, int], name: str, many: int) -> None:
    held[name] = held.get(name, 0) + many
