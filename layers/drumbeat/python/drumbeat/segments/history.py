"""Who was in a segment on a past day, and what defined it then.

pk                                   sk                       stored
SPELL#<tenant>#<segment>#<shard>     <contact id>#<joined>    a time in the segment that is over
SEGMENTVERSION#<tenant>#<segment>    <version>                criteria, and since when they were in force

Joining writes nothing here: since when a contact is in a segment stands on its member row. When it leaves, what that
row knew becomes a spell, before the row is deleted: whoever dies in between leaves both, and comes again. So who was
in a segment at a moment are the members who had joined, and the spells that the moment is in. Spells and versions go
with their segment.
"""

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pynamodb.attributes import JSONAttribute

from drumbeat import clock, ids, table
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.errors import Invalid
from drumbeat.segments import model
from drumbeat.segments.events import Telling
from drumbeat.segments.model import SHARDS, Member, Segment
from drumbeat.segments.values import day_start, instant, moment
from drumbeat.slugs import Slug
from drumbeat.table import Entity, InstantAttribute, NumberAttribute

# So many members and spells are counted for the total of one answer.
MOST_COUNTED = 20_000


class Spell(Entity):
    """A contact was in a segment from `joined` until `left`. A row that appears with `bus` or `waited` is
    `segment.left` (drumbeat.segments.events)."""

    TYPE = "SPELL"
    LEDGER = True

    joined = InstantAttribute()
    left = InstantAttribute()
    bus = NumberAttribute(null=True)
    waited = NumberAttribute(null=True)

    @staticmethod
    def partition(tenant: str, segment_id: str, shard: int) -> str:
        return f"SPELL#{tenant}#{segment_id}#{shard}"

    @staticmethod
    def key(tenant: str, segment_id: str, contact_id: str, joined: datetime) -> tuple[str, str]:
        shard = ids.shard(contact_id, SHARDS)
        return Spell.partition(tenant, segment_id, shard), f"{contact_id}#{clock.iso(joined)}"

    @property
    def contact_id(self) -> str:
        return self.sk.split("#")[0]


class SegmentVersion(Entity):
    """What defined a segment from `since` on, until the next version did."""

    TYPE = "SEGMENTVERSION"

    version = NumberAttribute()
    criteria = JSONAttribute(null=True)
    since = InstantAttribute()

    @staticmethod
    def partition(tenant: str, segment_id: str) -> str:
        return f"SEGMENTVERSION#{tenant}#{segment_id}"

    @staticmethod
    def key(tenant: str, segment_id: str, version: int) -> tuple[str, str]:
        return SegmentVersion.partition(tenant, segment_id), f"{version:06d}"


# What a function that tells a contact's membership declares.
READS = (Tenant, Segment, Slug, Member, Spell, SegmentVersion, Contact)


@dataclass(frozen=True, slots=True)
class Stay:
    """A contact in a segment: since when, and until when if that is over."""

    contact_id: str
    joined: datetime
    left: datetime | None = None


def spell(tenant: str, segment_id: str, contact_id: str, joined: datetime, left: datetime, telling: Telling) -> Spell:
    """What is kept of a member who leaves. Written again it is the same spell, with a later end."""
    key = Spell.key(tenant, segment_id, contact_id, joined)
    return Spell(*key, joined=joined, left=max(joined, left), **telling.left(segment_id))


def version(segment: Segment, number: int, criteria: object, since: datetime) -> SegmentVersion:
    """The row of a version, for the transaction that puts it in force."""
    key = SegmentVersion.key(segment.tenant, segment.segment_id, number)
    return SegmentVersion(*key, version=number, criteria=criteria, since=since)


def moment_of(said: str, segment: Segment, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment that `on` means: a day's end in the tenant's zone (now, while it lasts), or a time.

    Raises Invalid for what is no time, lies ahead, or was before the segment.
    """
    when = moment(said)
    if when is None:
        raise Invalid.field("on", "must be an ISO 8601 date or time, such as 2026-10-01")
    if type(when) is date:
        begins, at = day_start(when, zone), day_start(when + timedelta(days=1), zone) - timedelta(milliseconds=1)
    else:
        begins = at = instant(when, zone)
    if begins > now:
        raise Invalid.field("on", "lies in the future")
    if at < segment.created_at:
        raise Invalid.field("on", f"is before the segment existed: it was made at {clock.iso(segment.created_at)}")
    return min(at, now)


def at(tenant: str, segment_id: str, when: datetime, *, shard: int = 0, after: str | None = None) -> Iterator[Stay]:
    """Who was in the segment at a moment, shard by shard in the order of contact ids, behind `after` in the first.

    Exact since the segment was made. Reads Member, Spell.
    """
    for number in range(shard, SHARDS):
        behind = after if number == shard else None
        both = heapq.merge(
            _members(tenant, segment_id, number, behind), _spells(tenant, segment_id, number, behind),
            key=lambda stay: stay.contact_id,
        )  # fmt: skip
        then = (stay for stay in both if stay.joined <= when and (stay.left is None or when < stay.left))
        for _, same in itertools.groupby(then, key=lambda stay: stay.contact_id):
            yield next(same)


def _members(tenant: str, segment_id: str, shard: int, after: str | None) -> Iterator[Stay]:
    for row in model.raw_members(tenant, segment_id, shard, after=after, only=["sk", "since"]):
        yield Stay(row["sk"]["S"], clock.parse(row["since"]["S"]))


def _spells(tenant: str, segment_id: str, shard: int, after: str | None) -> Iterator[Stay]:
    # Of all that sorts behind a contact's own spells, `$` is the first.
    start = f"{after}$" if after else None
    for row in table.rows(Spell, Spell.partition(tenant, segment_id, shard), start=start):
        yield Stay(row.contact_id, row.joined, row.left)


def of_contact(tenant: str, segment_id: str, contact_id: str) -> list[Stay]:
    """All stays of a contact in a segment, the first one first. Reads Member, Spell."""
    pk, _ = Spell.key(tenant, segment_id, contact_id, clock.wall())
    over = [Stay(contact_id, row.joined, row.left) for row in table.rows(Spell, pk, prefix=f"{contact_id}#")]
    held = Member.fetch(*Member.key(tenant, segment_id, contact_id))
    if held is None:
        return over
    # A spell of the stay that still lasts was written by someone who did not get to delete the member.
    return [*(stay for stay in over if stay.joined != held.since), Stay(contact_id, held.since)]


def versions(tenant: str, segment_id: str) -> list[SegmentVersion]:
    """The segment's definitions, the first one first. Reads SegmentVersion."""
    return list(table.rows(SegmentVersion, SegmentVersion.partition(tenant, segment_id)))


def version_at(tenant: str, segment_id: str, when: datetime) -> int | None:
    """Which definition was in force at a moment; None before the first one."""
    found = [row for row in versions(tenant, segment_id) if row.since <= when]
    return int(found[-1].version) if found else None


def remove(tenant: str, segment_id: str, shard: int) -> None:
    """Delete the spells of one shard, and with the first one the versions. Writes Spell, SegmentVersion."""
    spells = table.rows(Spell, Spell.partition(tenant, segment_id, shard))
    table.write_many(deletes=((row.pk, row.sk) for row in spells))
    if shard == 0:
        table.write_many(deletes=((row.pk, row.sk) for row in versions(tenant, segment_id)))
