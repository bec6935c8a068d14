"""Who is in a journey: an entry for each time that a contact entered it, with where it is, what happened and why.

    pk                                    sk      gsi1pk                                gsi1sk
    ENTRY#<tenant>#<journey>#<contact>    <no>    ENTRIES#<tenant>#<journey>#<shard>    <entered at>#<contact>#<no>
    also gsi3pk ENTERED#<tenant>#<contact>, gsi3sk <entered at>#<journey>#<no>: all entries of a contact

An entry is never made twice, because its number must be free; whether there may be a next one follows from the last,
whose end is final. Everything that happens to an entry is a change on condition that its `moves` are what they were.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from drumbeat import clock, ids, table
from drumbeat.contacts.model import CompactJSON
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

SHARDS = 16
# Records that an entry keeps, the latest; one that goes round for years has more.
MOST_RECORDS = 200


class State(StrEnum):
    """`waiting` is under way; `holdout` gets nothing, and is counted; all others are over."""

    WAITING = "waiting"
    HOLDOUT = "holdout"
    DONE = "done"
    EXITED = "exited"
    FAILED = "failed"


OPEN = frozenset({State.WAITING.value, State.HOLDOUT.value})


class Outcome(StrEnum):
    """What became of a step."""

    DONE = "done"
    WAITING = "waiting"
    HAPPENED = "happened"
    TIMED_OUT = "timed_out"
    TRUE = "true"
    FALSE = "false"
    PATH = "path"
    QUEUED = "queued"
    REACHED = "reached"
    NOT_REACHED = "not_reached"
    REFUSED = "refused"
    SKIPPED = "skipped"
    EXITED = "exited"
    FAILED = "failed"


class Entry(Entity):
    """One time that a contact is in a journey.

    `step` is where it is until `due_at`: waiting in it, if it has `begun` it, else about to do it. `since` (business
    time) is when the step before was over. `wake` is the wake that it waits in, as `<version>#<minute>#<shard>`.
    `moves` counts its changes. `met` is the event that it waited for.

    `records` say what happened, the earliest first: `step`, `type`, `at`, `outcome`, `why`, and `message` (send, shard
    and number of the chunk, number in it) where one was handed over. `cause` is what let it in at `caused_at`,
    `trigger` what that said. `reason` says why it is over. `goal` is the event that reached its goal: at, event_id,
    value (minor units), currency.
    """

    TYPE = "ENTRY"
    LEDGER = True
    INDEX_TYPES = {"gsi1": "ENTRIES", "gsi3": "ENTERED"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    gsi3pk = UnicodeAttribute()
    gsi3sk = UnicodeAttribute()
    tenant = UnicodeAttribute()
    journey_id = UnicodeAttribute()
    contact_id = UnicodeAttribute()
    version = NumberAttribute()
    state = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    step = UnicodeAttribute(null=True)
    since = InstantAttribute()
    begun = BooleanAttribute(null=True)
    due_at = InstantAttribute(null=True)
    wake = UnicodeAttribute(null=True)
    met = CompactJSON(null=True)
    moves = NumberAttribute(default=0)
    records = CompactJSON(default=list)
    cause = UnicodeAttribute()
    caused_at = InstantAttribute()
    trigger = CompactJSON(null=True)
    goal = CompactJSON(null=True)
    entered_at = InstantAttribute()
    ended_at = InstantAttribute(null=True)

    @staticmethod
    def partition(tenant: str, journey_id: str, contact_id: str) -> str:
        return f"ENTRY#{tenant}#{journey_id}#{contact_id}"

    @staticmethod
    def key(tenant: str, journey_id: str, contact_id: str, number: int) -> tuple[str, str]:
        return Entry.partition(tenant, journey_id, contact_id), f"{number:06d}"

    @staticmethod
    def listing(tenant: str, journey_id: str, shard: int) -> str:
        """The index partition that lists a shard's entries in the order in which they began."""
        return f"ENTRIES#{tenant}#{journey_id}#{shard}"

    @staticmethod
    def entered(tenant: str, contact_id: str) -> str:
        """The index partition that lists a contact's entries in all journeys."""
        return f"ENTERED#{tenant}#{contact_id}"

    @property
    def number(self) -> int:
        return int(self.sk)

    @property
    def entry_id(self) -> str:
        """What its chances and effects hang on."""
        return ids.derived("ent", self.tenant, self.journey_id, self.contact_id, self.sk)

    @property
    def is_open(self) -> bool:
        return self.state in OPEN

    @property
    def said(self) -> list[dict[str, Any]]:
        """The records as they are stored."""
        return list(self.records or [])

    def as_it_was(self) -> Condition:
        """The condition that nothing has happened to the entry since this copy was read: each change counts."""
        same: Condition = Entry.moves == int(self.moves)
        return same


def record(step: str, kind: str, at: datetime, outcome: Outcome, why: str = "", **more: Any) -> dict[str, Any]:
    """One record of an entry; `more` is `message`, `until` or what else is to be known."""
    said = {"step": step, "type": kind, "at": clock.iso(at), "outcome": outcome.value}
    return {**said, **({"why": why} if why else {}), **{name: value for name, value in more.items() if value}}


def kept(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The records that an entry keeps."""
    return [dict(one) for one in records[-MOST_RECORDS:]]


def of(tenant: str, journey_id: str, contact_id: str) -> Iterator[Entry]:
    """A contact's entries in a journey, the latest first."""
    return table.rows(Entry, Entry.partition(tenant, journey_id, contact_id), newest_first=True)


def begun(tenant: str, journey_id: str, number: int, contact_id: str, now: datetime, **values: Any) -> Entry:
    """A new entry, not stored yet: entry `number` of the contact."""
    return Entry(
        *Entry.key(tenant, journey_id, contact_id, number),
        gsi1pk=Entry.listing(tenant, journey_id, ids.shard(contact_id, SHARDS)),
        gsi1sk=f"{clock.iso(now)}#{contact_id}#{number}",
        gsi3pk=Entry.entered(tenant, contact_id), gsi3sk=f"{clock.iso(now)}#{journey_id}#{number}",
        tenant=tenant, journey_id=journey_id, contact_id=contact_id, entered_at=now, **values,
    )  # fmt: skip


def listed(tenant: str, journey_id: str, shard: int) -> Iterator[tuple[str, str]]:
    """Keys of a shard's entries, the latest first."""
    for pk, sk, _ in table.keys_in_index(1, Entry.listing(tenant, journey_id, shard)):
        yield pk, sk


def latest(tenant: str, journey_id: str, contact_id: str) -> Entry | None:
    """The contact's latest entry."""
    partition = Entry.partition(tenant, journey_id, contact_id)
    return next(iter(table.rows(Entry, partition, newest_first=True, limit=1)), None)


def ended(state: State, reason: str, at: datetime) -> list[Action]:
    """The changes that end an entry, besides its records."""
    return [
        Entry.state.set(state.value), Entry.reason.set(reason), Entry.ended_at.set(at), Entry.step.remove(),
        Entry.begun.remove(), Entry.due_at.remove(), Entry.wake.remove(), Entry.met.remove(), Entry.moves.add(1),
    ]  # fmt: skip
