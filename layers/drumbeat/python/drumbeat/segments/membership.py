"""Keeping membership true: contacts are evaluated one by one when they, or time, may have changed the answer.

`refresh` may run at the same time for one contact from several sides: a change of the contact, one of its roll-ups
(other items, hence other shards of the stream), a backfill, the clock. Each writes what it read, so the last to write
might have read the oldest facts. Therefore whoever wrote reads facts and definitions again, and goes on until they
agree with what is stored. Then the last write of all was checked against facts read after it; had these changed later
still, the record of that change would bring another refresh, which sees the write. So nothing stale stays, in whatever
order records come, and without a lock or a version on any item.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from drumbeat import clock, ids, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import RollUp, Timeline
from drumbeat.contacts.model import Contact
from drumbeat.segments import definitions, history, people
from drumbeat.segments.definitions import Definition, Known
from drumbeat.segments.events import Telling
from drumbeat.segments.history import Spell
from drumbeat.segments.model import SHARDS, Definitions, Member, Segment, Watch
from drumbeat.segments.people import Person
from drumbeat.segments.rules import matches, next_change, together
from drumbeat.table import ConditionFailed, Entity

# A contact that changes faster than it is evaluated has records on their way that go on with it.
MOST_PASSES = 8
# What functions that keep membership declare.
READS = (Tenant, Contact, RollUp, Timeline, Definitions, Segment, Interest)
WRITES = (Member, Watch, Spell)

Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Moment:
    """When and where rules are evaluated, the static segment, if any, that is being filled by its criteria, and to whom
    joining and leaving is told: not who is found by the first walk over a segment (`silent`)."""

    tenant: str
    now: datetime
    zone: ZoneInfo
    telling: Telling
    filling: str | None = None
    silent: str | None = None


@dataclass(slots=True)
class _Writes:
    """What is to be written: `spells` of those who leave come first, as their members' rows go with the rest.
    `listed` are members of static segments, whose rows a request may delete at any time: those are only changed."""

    puts: list[Entity] = field(default_factory=list)
    deletes: list[Key] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    listed: list[Member] = field(default_factory=list)
    contacts: dict[str, None] = field(default_factory=dict)
    segments: set[str] = field(default_factory=set)

    def add(self, segment_id: str, contact_id: str) -> None:
        self.contacts[contact_id] = None
        self.segments.add(segment_id)

    def remove(self, tenant: str, segment_id: str, contact_id: str, stored: Mapping[Key, dict[str, Any]]) -> None:
        """Delete what there is of a contact in a segment that is gone."""
        for key in (Member.key(tenant, segment_id, contact_id), Watch.key(tenant, segment_id, contact_id)):
            if key in stored:
                self.deletes.append(key)
                self.add(segment_id, contact_id)

    def commit(self) -> int:
        """Write it; gives how many rows of members and watches were written."""
        table.put_many(self.spells)
        table.write_many(self.puts, self.deletes)
        for row in self.listed:
            with suppress(ConditionFailed):
                row.save(condition=Member.pk.exists())
        return len(self.puts) + len(self.deletes) + len(self.listed)


def refresh(
    tenant: str,
    contact_ids: Collection[str],
    now: datetime,
    *,
    scope: Collection[str] | None = None,
    filling: str | None = None,
    silent: str | None = None,
    newcomers: Collection[str] = (),
) -> int:
    """Make the stored membership of these contacts true; gives how many rows were written.

    It looks at the segments of a scope (None: all) and those that depend on them. A segment of the scope that there is
    not any more loses the contacts. Who joins the `silent` one is not told. `newcomers` are contacts whose
    first record this is: their events, most likely none, are not read at first, but whatever is written for one of them
    is then checked against them (and if nothing is written, the roll-up's own record does what is to do).

    Reads `READS`, writes `WRITES`.
    """
    about = settings.of(tenant)
    moment = Moment(tenant, now, ZoneInfo(about.time_zone), Telling(tenant, bus=about.segment_events), filling, silent)
    left, total = list(dict.fromkeys(contact_ids)), 0
    for _ in range(MOST_PASSES):
        writes = _Writes()
        known = definitions.of(tenant)
        for page in people.pages(left):
            _evaluate(moment, page, known, scope, newcomers, about, writes)
        if not writes.contacts:
            return total
        total += writes.commit()
        left, scope, newcomers = list(writes.contacts), writes.segments, ()
    return total


def _evaluate(
    moment: Moment,
    page: list[str],
    known: Known,
    scope: Collection[str] | None,
    newcomers: Collection[str],
    about: settings.Settings,
    writes: _Writes,
) -> None:
    """Add what must be written for one batch of contacts."""
    wanted = known.affected(scope)
    needed = known.needed(wanted)
    gone = set(scope or ()) - known.all.keys()
    if not needed and not gone:
        return
    needs = together(one.references.needs for one in needed)
    found = people.load(moment.tenant, page, needs, about, without_events=newcomers)
    changing = {one.segment_id for one in wanted}
    stored = _stored(_keys(moment, page, needed, changing, gone, scope is not None))
    for contact_id in page:
        for segment_id, row in _rows(moment, contact_id, found.get(contact_id), needed, stored).items():
            if segment_id in changing:
                _compare(moment, known.all[segment_id], contact_id, row, stored, writes)
        for segment_id in gone:
            writes.remove(moment.tenant, segment_id, contact_id, stored)


def _keys(
    moment: Moment,
    page: Iterable[str],
    needed: Iterable[Definition],
    changing: Collection[str],
    gone: Iterable[str],
    scoped: bool,
) -> Iterator[Key]:
    """The rows that evaluation and comparison look at. Watches are looked for where there may be some; with a scope
    everywhere, since an earlier version of a definition (not of the `silent` one, it is new) may have left some."""
    tenant = moment.tenant
    for contact_id in page:
        for one in needed:
            if one.segment_id in changing or not one.dynamic:
                yield Member.key(tenant, one.segment_id, contact_id)
            if one.segment_id in changing and (
                one.references.uses_time or (scoped and one.segment_id != moment.silent)
            ):
                yield Watch.key(tenant, one.segment_id, contact_id)
        for segment_id in gone:
            yield Member.key(tenant, segment_id, contact_id)
            yield Watch.key(tenant, segment_id, contact_id)


def _stored(keys: Iterable[Key]) -> dict[Key, dict[str, Any]]:
    return {(item["pk"]["S"], item["sk"]["S"]): item for item in table.raw_many(list(keys))}


def _rows(
    moment: Moment,
    contact_id: str,
    person: Person | None,
    needed: Iterable[Definition],
    stored: Mapping[Key, dict[str, Any]],
) -> dict[str, Member | Watch | None]:
    """What each segment should have of a contact: a member, a watch, or nothing."""
    rows: dict[str, Member | Watch | None] = {}
    inside: set[str] = set()
    for one in needed:
        key = Member.key(moment.tenant, one.segment_id, contact_id)
        row = None if person is None else _row(moment, one, person, stored.get(key), inside)
        if isinstance(row, Member):
            inside.add(one.segment_id)
        rows[one.segment_id] = row
    return rows


def _row(
    moment: Moment, one: Definition, person: Person, held: dict[str, Any] | None, inside: set[str]
) -> Member | Watch | None:
    contact_id = person.facts.contact_id
    due: datetime | None = None
    if one.dynamic or one.segment_id == moment.filling:
        facts = replace(person.facts, segments=frozenset(inside)) if one.references.segments else person.facts
        member = matches(one.criteria, facts, moment.now, moment.zone)
        if one.dynamic and one.references.uses_time:
            due = next_change(one.criteria, facts, moment.now, moment.zone)
    else:
        member = held is not None
    if not member and due is None:
        return None
    look: dict[str, Any] = {}
    if due is not None:
        look = {"gsi2pk": f"DUE#members#{ids.shard(contact_id, SHARDS)}", "gsi2sk": clock.iso(due)}
    if not member:
        return Watch(*Watch.key(moment.tenant, one.segment_id, contact_id), **look)
    if held:
        since = clock.parse(held["since"]["S"])
        marks: dict[str, Any] = {name: 1 if name in held else None for name in ("bus", "waited")}
    else:
        since, told = moment.now, not one.hidden and one.segment_id != moment.silent
        marks = moment.telling.joined(one.segment_id) if told else {}
    pk, sk = Member.key(moment.tenant, one.segment_id, contact_id)
    return Member(pk, sk, since=since, **marks, **person.profile, **look)


def _compare(
    moment: Moment,
    one: Definition,
    contact_id: str,
    row: Member | Watch | None,
    stored: Mapping[Key, dict[str, Any]],
    writes: _Writes,
) -> None:
    """Write what differs, and nothing where nothing does: most changes of a contact change no membership."""
    for model in (Member, Watch):
        key = model.key(moment.tenant, one.segment_id, contact_id)
        held = stored.get(key)
        if isinstance(row, model):
            if held is not None:
                row.keep_unknown(held)
            if held is None or {**held, "att": None} != {**table.raw(row), "att": None}:
                if isinstance(row, Member) and held is not None and not one.dynamic:
                    writes.listed.append(row)
                else:
                    writes.puts.append(row)
                writes.add(one.segment_id, contact_id)
        elif held is not None:
            writes.deletes.append(key)
            writes.add(one.segment_id, contact_id)
            if model is Member and not one.hidden:
                joined = clock.parse(held["since"]["S"])
                left = history.spell(moment.tenant, one.segment_id, contact_id, joined, moment.now, moment.telling)
                writes.spells.append(left)
