"""What became of a journey's entries, added up by the day on which they entered: cells that can be computed again.

    pk                                  sk                      gsi2pk               gsi2sk
    PERFORMANCE#<tenant>#<journey>      <yyyy-mm-dd>#<shard>    -                    -           one day's entries
    PERFORMANCE#<tenant>#<journey>      HEAD                    DUE#performance#0    <wall time> while a pass waits

A cell is computed from its entries and from what their contacts did, so whoever computes it again, at the same time or
after a fault, comes to the same. It is sealed, and never looked at again, when nobody of it is under way and nothing
more can count. For 100,000 entries that are not sealed a pass reads 100,000 entries and as many contacts, and the
timelines of those who bought since: about 150,000 read units, $0.02, and some two minutes of a function. A pass is made
when somebody asks: as much of it as the asker waits for, and the rest by a machine, which the sweep starts, as asking
changes nothing but figures.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import groupby
from math import inf
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from pynamodb.attributes import BooleanAttribute

from drumbeat import clock, ids, machines, table
from drumbeat.accounts import settings
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import Timeline
from drumbeat.contacts.model import CompactJSON, Contact
from drumbeat.journeys import converting, tallies
from drumbeat.journeys.entries import SHARDS, Entry, State
from drumbeat.journeys.model import JourneyVersion
from drumbeat.journeys.tallies import Tally
from drumbeat.journeys.versions import Versions
from drumbeat.journeys.work import MEASURE
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute

# Seconds of the wall clock: a pass is not made more often; what a caller waits for; and what a machine's round takes.
FRESH = timedelta(seconds=2 * clock.SCALE)
PATIENCE, ROUND = 6.0, 60.0
# A day is sealed so long after nothing can count any more: events may be told late.
LATE = timedelta(days=3)
READS = (Entry, JourneyVersion, Contact, Timeline)
HEAD, DUE = "HEAD", "DUE#performance#0"
# Wall time after which a pass is dead, and started again.
AGAIN = timedelta(minutes=30)


class Cell(Entity):
    """One day's entries of a shard, a day of `zone`: `numbers` has a stored tally for each version. The head says
    `as_of` when entries and conversions are known at least, and while a pass waits to be gone on with, its state as
    `left`."""

    TYPE = "PERFORMANCE"
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    left = CompactJSON(null=True)
    numbers = CompactJSON(null=True)
    as_of = InstantAttribute(null=True)
    sealed = BooleanAttribute(null=True)
    zone = UnicodeAttribute(null=True)

    @staticmethod
    def partition(tenant: str, journey_id: str) -> str:
        return f"PERFORMANCE#{tenant}#{journey_id}"

    @property
    def day(self) -> str:
        return self.sk[:10]

    @property
    def shard(self) -> int:
        return int(self.sk[11:])


class Measured(NamedTuple):
    """The cells of a journey, and as of when they are complete (None: never)."""

    cells: list[Cell]
    as_of: datetime | None
    complete: bool


def measured(tenant: str, journey_id: str, now: datetime) -> Measured:
    """The cells, after a pass that takes a few seconds at most; of a large journey the rest is left to the sweep, and
    what is given is as it was found so far. Reads `READS`; writes Cell."""
    pk = Cell.partition(tenant, journey_id)
    head = Cell.fetch(pk, HEAD)
    complete = head is not None and head.as_of is not None and head.as_of >= now - FRESH
    if not complete and (head is None or head.left is None):
        state = {"tenant": tenant, "journey": journey_id, "shard": 0, "day": "", "began": clock.iso(now)}
        state = round_of(state, PATIENCE, waited_for=True)
        complete = bool(state["done"])
        if not complete:
            _leave(pk, state, now)
        head = Cell.fetch(pk, HEAD)
    cells = [row for row in table.rows(Cell, pk) if row.sk != HEAD]
    return Measured(cells, head.as_of if head else None, complete)


def _leave(pk: str, state: dict[str, Any], began: datetime) -> None:
    """Leave the rest of a pass to the sweep, unless a later one has been made meanwhile: nobody would end this one."""
    due = clock.iso(clock.wall())
    with suppress(ConditionFailed):
        Cell.change_at(
            pk, HEAD, Cell.left.set(state), Cell.gsi2pk.set(DUE), Cell.gsi2sk.set(due),
            condition=Cell.as_of.does_not_exist() | (Cell.as_of <= began),
        )  # fmt: skip


def sweep(now: datetime) -> int:
    """Start the passes that wait to be gone on with, and again those whose machine died (wall time). Writes Cell,
    starts MEASURE."""
    keys = table.keys_in_index(2, DUE, newest_first=False, limit=100)
    waiting = Cell.many([(pk, sk) for pk, sk, at in keys if at <= clock.iso(now)])
    for head in waiting:
        with suppress(ConditionFailed):
            head.change(Cell.gsi2sk.set(clock.iso(now + AGAIN)), condition=Cell.gsi2sk == head.gsi2sk)
            machines.start(MEASURE, ids.derived("msr", head.pk, clock.iso(now)), head.left)
    return len(waiting)


def round_of(state: dict[str, Any], seconds: float = ROUND, *, waited_for: bool = False) -> dict[str, Any]:
    """A round of a pass: cells shard by shard and day by day, as long as it may take. A repeated round writes the same
    cells again; the last one writes the head, which waits for nothing then. A cell that was begun is finished, however
    large it is, unless somebody waits: then the machine does it."""
    until = time.monotonic() + seconds
    tenant, journey_id, began = state["tenant"], state["journey"], clock.parse(state["began"])
    pass_ = _Pass(tenant, journey_id, settings.of(tenant), began)
    table.write_many(deletes=((row.pk, row.sk) for row in pass_.other))
    for shard in range(state["shard"], SHARDS):
        for day, keys in pass_.days(shard, state["day"] if shard == state["shard"] else ""):
            late = time.monotonic() > until or not pass_.cell(shard, day, keys, until if waited_for else inf)
            if late:
                return {**state, "shard": shard, "day": day, "wait_seconds": 0, "done": False}
    head = Cell(Cell.partition(tenant, journey_id), HEAD, as_of=began)
    _keep(head)
    return {**state, "shard": SHARDS, "day": "", "wait_seconds": 0, "done": True}


def _keep(row: Cell) -> None:
    """Store it, unless what is stored is of a later time."""
    with suppress(ConditionFailed):
        row.save(condition=Cell.as_of.does_not_exist() | (Cell.as_of <= row.as_of))


class _Pass:
    """One look at all entries that may have changed."""

    def __init__(self, tenant: str, journey_id: str, about: Settings, began: datetime) -> None:
        self.tenant, self.journey_id, self.about, self.began = tenant, journey_id, about, began
        self.zone = ZoneInfo(about.time_zone)
        self.versions = Versions(tenant, journey_id)
        rows = list(table.rows(Cell, Cell.partition(tenant, journey_id), end="9"))
        # The tenant has other days now: what was added up by the old ones would count twice beside the new.
        self.other = [row for row in rows if row.zone != about.time_zone]
        self.known = {(row.shard, row.day): bool(row.sealed) for row in rows if row.zone == about.time_zone}

    def days(self, shard: int, after: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """The days of a shard that are not sealed, from `after` on, with their entries' keys."""
        start = max(after, self._first(shard))
        first = clock.iso(datetime.fromisoformat(start).replace(tzinfo=self.zone)) if start else "0"
        listing = Entry.listing(self.tenant, self.journey_id, shard)
        keys = table.keys_in_index(1, listing, between=(first, "~"), newest_first=False)
        for day, found in groupby(keys, key=lambda key: self._day(key[2])):
            if not self.known.get((shard, day)):
                yield day, [(pk, sk) for pk, sk, _ in found]

    def _first(self, shard: int) -> str:
        """Before this day all are sealed. One day more, for an entry that was written right after midnight."""
        known = [day for of, day in self.known if of == shard]
        unsealed = [day for day in known if not self.known[shard, day]]
        first = min(unsealed, default=max(known, default=""))
        return (datetime.fromisoformat(first) - timedelta(days=1)).date().isoformat() if first else ""

    def _day(self, place: str) -> str:
        return clock.parse(place.split("#")[0]).astimezone(self.zone).date().isoformat()

    def cell(self, shard: int, day: str, keys: Sequence[tuple[str, str]], until: float = inf) -> bool:
        """Compute a cell, and keep it; False when that takes longer than `until` (of the monotonic clock)."""
        by_version: dict[int, Tally] = {}
        under_way, last = False, timedelta(0)
        for place in range(0, len(keys), table.MOST_IN_BATCH_GET):
            if time.monotonic() > until:
                return False
            found = Entry.many(keys[place : place + table.MOST_IN_BATCH_GET], consistent=False)
            converted = converting.of(found, self.versions, self.about)
            for entry in found:
                definition, _ = self.versions.of(int(entry.version))
                types = {step.id: step.type for step in definition.steps}
                tally = by_version.setdefault(int(entry.version), Tally())
                tally.add(entry, types, converted[entry.pk + entry.sk])
                under_way |= entry.state == State.WAITING
                last = max(last, converting.longest(definition, self.about))
        ends = datetime.fromisoformat(day).replace(tzinfo=self.zone) + timedelta(days=1) + last + LATE
        numbers = {str(version): tallies.stored(tally) for version, tally in sorted(by_version.items())}
        sealed = True if not under_way and ends < self.began else None
        pk = Cell.partition(self.tenant, self.journey_id)
        _keep(Cell(pk, f"{day}#{shard:02d}", numbers=numbers, as_of=self.began, sealed=sealed, zone=self.zone.key))
        return True
