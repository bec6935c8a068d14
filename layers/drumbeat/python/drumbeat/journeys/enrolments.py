"""Letting many contacts in: the members of a segment, all whose date comes, or those that a request names; in slices,
from a stored cursor.

    pk                               sk        gsi2pk              gsi2sk
    ENROLMENT#<tenant>#<journey>     <id>#<lane>    DUE#enrolments#0    <wall time>    while it runs

A slice lets its contacts in and moves the cursor from where it was. A slice that is done again finds them inside by the
same cause, and only one of two runs moves the cursor, with its counts.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pynamodb.attributes import BooleanAttribute

from drumbeat import clock, ids, machines, table
from drumbeat.accounts import settings
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import CompactJSON, Contact
from drumbeat.journeys import dates, model, triggering
from drumbeat.journeys.model import Journey
from drumbeat.journeys.triggering import Candidate
from drumbeat.journeys.work import ENROL
from drumbeat.segments import model as segments
from drumbeat.segments.model import Member
from drumbeat.sends import environment
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

SLICE = 1_000
SHARDS = 16
# Above this many members, an audience is walked in several lanes at once.
LARGE, LANES = 20_000, 8
DUE = "DUE#enrolments#0"
# Wall time without a step after which a run is dead.
LATE = timedelta(minutes=4)


class Enrolment(Entity):
    """A lane of a walk over an audience. `source` says whom: `contacts` (ids), or `segment` (None: everyone); with
    `date`, whose date comes in `since` to `until`. `cause` is what lets them in, `at` when that was. `shards` are the
    lane's, `shard` the one that it is in, `after` the last id of it that it has seen. `counts` are by what became of
    them."""

    TYPE = "ENROLMENT"
    INDEX_TYPES = {"gsi2": "DUE"}

    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    journey_id = UnicodeAttribute()
    enrolment_id = UnicodeAttribute()
    source = CompactJSON()
    cause = UnicodeAttribute()
    at = InstantAttribute()
    shards = CompactJSON()
    shard = NumberAttribute(default=0)
    after = UnicodeAttribute(null=True)
    counts = CompactJSON(default=dict)
    done = BooleanAttribute(default=False)
    created_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)

    @staticmethod
    def partition(tenant: str, journey_id: str) -> str:
        return f"ENROLMENT#{tenant}#{journey_id}"

    @staticmethod
    def key(tenant: str, journey_id: str, enrolment_id: str, lane: int) -> tuple[str, str]:
        return Enrolment.partition(tenant, journey_id), f"{enrolment_id}#{lane}"

    @property
    def lane(self) -> int:
        return int(self.sk.split("#")[1])

    @property
    def state(self) -> dict[str, Any]:
        """What its machine works on."""
        return {
            "tenant": self.tenant, "journey": self.journey_id, "enrolment": self.enrolment_id, "lane": self.lane,
            "wait_seconds": 0,
        }  # fmt: skip


def begin(journey: Journey, cause: str, at: datetime, source: Mapping[str, Any], *, size: int = 0) -> list[Enrolment]:
    """Let an audience in, in the background; the same cause again begins nothing new. `size` is about how many they
    are. Writes Enrolment, starts ENROL."""
    enrolment_id = ids.derived("enr", journey.tenant, journey.journey_id, cause)
    lanes = LANES if size > LARGE else 1
    found = []
    for lane in range(lanes):
        row = Enrolment(
            *Enrolment.key(journey.tenant, journey.journey_id, enrolment_id, lane), gsi2pk=DUE,
            gsi2sk=clock.iso(clock.wall() + LATE), tenant=journey.tenant, journey_id=journey.journey_id,
            enrolment_id=enrolment_id, source=dict(source), cause=cause, at=at,
            shards=[shard for shard in range(SHARDS) if shard % lanes == lane], created_at=clock.business(),
        )  # fmt: skip
        try:
            row.create()
        except ConditionFailed as taken:
            row = Enrolment.from_raw_data(taken.found or {})
        if not row.done:
            start(row)
        found.append(row)
    return found


def named(journey: Journey, contact_ids: Sequence[str], cause: str, now: datetime) -> Enrolment:
    """Let the contacts in that a request names, at once; at most 1,000. Should it die, a sweep goes on with it. Writes
    Enrolment, Wake, Entry."""
    enrolment_id = ids.derived("enr", journey.tenant, journey.journey_id, cause)
    row = Enrolment(
        *Enrolment.key(journey.tenant, journey.journey_id, enrolment_id, 0), gsi2pk=DUE,
        gsi2sk=clock.iso(clock.wall() + LATE), tenant=journey.tenant, journey_id=journey.journey_id,
        enrolment_id=enrolment_id, source={"contacts": list(dict.fromkeys(contact_ids))}, cause=cause, at=now,
        shards=[0], created_at=now,
    )  # fmt: skip
    try:
        row.create()
    except ConditionFailed as taken:
        row = Enrolment.from_raw_data(taken.found or {})
    return row if row.done else _slice(row)


def start(row: Enrolment, again: str = "") -> None:
    machines.start(ENROL, f"{row.enrolment_id}-{row.lane}{again}", row.state)


def enrol(state: dict[str, Any]) -> dict[str, Any]:
    """A round of the machine: one slice."""
    row = Enrolment.fetch(*Enrolment.key(state["tenant"], state["journey"], state["enrolment"], int(state["lane"])))
    if row is None or row.done or not environment.is_home():
        return {**state, "done": True}
    return {**state, "done": bool(_slice(row).done)}


def _slice(row: Enrolment) -> Enrolment:
    journey = Journey.fetch(*Journey.key(row.tenant, row.journey_id))
    if journey is None or not int(journey.version):
        return _moved(row, {})
    definition = model.version(row.tenant, row.journey_id, int(journey.version)).read
    if "contacts" in row.source:
        named: list[str] = row.source["contacts"]
        people = {one.contact_id for one in contacts.many(row.tenant, named)}
        became = triggering.enter(journey, definition, _candidates(row, [one for one in named if one in people]))
        return _moved(row, became)
    page = _page(row)
    became = triggering.enter(journey, definition, _chosen(row, page.contacts))
    return _moved(row, became, page)


def _candidates(row: Enrolment, contact_ids: Iterable[str]) -> list[Candidate]:
    now, said = clock.business(), {"enrolment_id": row.enrolment_id}
    return [Candidate(contact_id, row.cause, row.at, now, said) for contact_id in contact_ids]


class Page(NamedTuple):
    """The next contacts of a walk, and the cursor behind them: the place of a shard in the lane (behind the last one
    when the walk is over), and the last id of it."""

    contacts: list[str]
    shard: int
    after: str | None


def _page(row: Enrolment) -> Page:
    """The next contacts from the row's cursor on; a small audience is one page, however many shards it is in."""
    found: list[str] = []
    shard, after = int(row.shard), (row.after or None)
    while shard < len(row.shards) and len(found) < SLICE:
        room = SLICE - len(found)
        more = _of_shard(row, row.shards[shard], after, room)
        found += more
        shard, after = (shard, more[-1]) if len(more) == room else (shard + 1, None)
    return Page(found, shard, after)


def _of_shard(row: Enrolment, shard: int, after: str | None, most: int) -> list[str]:
    segment_id = row.source.get("segment")
    if segment_id is None:
        start = (*Contact.key(row.tenant, after), after) if after else None
        keys = table.keys_in_index(1, Contact.partition(row.tenant, shard), after=start, newest_first=False, limit=most)
        return [place for _, _, place in keys]
    partition = Member.partition(row.tenant, segment_id, shard)
    return [member.sk for member in table.rows(Member, partition, after=after, limit=most)]


def _chosen(row: Enrolment, page: Sequence[str]) -> list[Candidate]:
    """Who of a page enters: everyone; or whose date comes in the enrolment's time, when it does."""
    if "date" not in row.source:
        return _candidates(row, page)
    about = settings.of(row.tenant)
    found = []
    for start in range(0, len(page), table.MOST_IN_BATCH_GET):
        for contact in contacts.many(row.tenant, page[start : start + table.MOST_IN_BATCH_GET]):
            turn = dates.turn(row.source, contact, about)
            if turn is not None:
                said = {"enrolment_id": row.enrolment_id, "date": turn.day.isoformat()}
                cause = f"{row.source['date']['attribute']}#{turn.day.isoformat()}"
                if row.source["date"]["yearly"]:
                    cause = f"{row.source['date']['attribute']}#{turn.day.year}"
                found.append(Candidate(contact.contact_id, cause, turn.at, turn.at, said))
    return found


def _moved(row: Enrolment, became: Mapping[str, str], to: Page | None = None) -> Enrolment:
    """The cursor behind a page (none: the walk is over), from where it was; whoever else has moved it has done the
    same."""
    counts = Counter(row.counts or {}) + Counter(str(one) for one in became.values())
    actions: list[Any] = [Enrolment.counts.set(dict(counts))]
    if to is None or to.shard >= len(row.shards):
        actions += [
            Enrolment.done.set(True), Enrolment.finished_at.set(clock.business()), Enrolment.gsi2pk.remove(),
            Enrolment.gsi2sk.remove(),
        ]  # fmt: skip
    else:
        actions += [
            Enrolment.shard.set(to.shard), Enrolment.after.set(to.after) if to.after else Enrolment.after.remove(),
            Enrolment.gsi2sk.set(clock.iso(clock.wall() + LATE)),
        ]  # fmt: skip
    with suppress(ConditionFailed):
        row.change(*actions, unchanged=True)
        return row
    return Enrolment.fetch(row.pk, row.sk) or row


def sweep(now: datetime) -> int:
    """Start walks again that nobody has gone on with (wall time)."""
    keys = table.keys_in_index(2, DUE, newest_first=False, limit=100)
    late = Enrolment.many([(pk, sk) for pk, sk, at in keys if at <= clock.iso(now)])
    for row in late:
        with suppress(ConditionFailed):
            row.change(Enrolment.gsi2sk.set(clock.iso(now + LATE)), condition=Enrolment.gsi2sk == row.gsi2sk)
            start(row, f"-{int(now.timestamp())}")
    return len(late)


def size_of(tenant: str, segment_id: str | None) -> int:
    """About how many an audience are; everyone is many."""
    found = segments.find(tenant, segment_id) if segment_id else None
    return found.member_count if found else LARGE + 1
