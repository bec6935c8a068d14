"""Groups of contacts: what defines them, and who belongs to them.

pk                                   sk            gsi1pk             gsi1sk  gsi2pk               gsi2sk
SEGMENT#<tenant>#<id>                SEGMENT       SEGMENTS#<tenant>  <id>    DUE#backfills#0      <wall time>
                                                                              or DUE#measures#0    <time>
DEFINITIONS#<tenant>                 DEFINITIONS   which segments are evaluated
MEMBER#<tenant>#<segment>#<shard>    <contact id>  -                  -       DUE#members#<shard>  <time>
WATCH#<tenant>#<segment>#<shard>     <contact id>  -                  -       DUE#members#<shard>  <time>
PREVIEW#<tenant>#<job>               PREVIEW       counts whom criteria match

A segment in work is due as a backfill when nobody has worked on it for a while, a ready one as a measure when it is to
be counted. Members and those that time may let in (WATCH) are due when time may change the answer for them.
Hidden segments are in no list: the named recipients of one send (static, not evaluated), the filter of a campaign.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeSetAttribute

from drumbeat import ids, slugs, table
from drumbeat.declare import Machine
from drumbeat.errors import NotFound
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

SHARDS = 16
KIND = "segment"
BACKFILLS, MEASURES = "DUE#backfills#0", "DUE#measures#0"
# Walks over a segment: evaluates the contacts, adds the members up, or removes them.
BACKFILL = Machine("backfill")
# Counts the contacts that criteria would match.
COUNT_AUDIENCE = Machine("count_audience")


class State(StrEnum):
    BUILDING = "building"
    READY = "ready"
    DELETING = "deleting"


class Segment(Entity):
    """A segment. `criteria` is what the caller sent; `version` counts its changes.

    `figures` are the members' numbers at `counted_at` (see figures.py); `days` has the member count by day, for growth.
    """

    TYPE = "SEGMENT"
    INDEX_TYPES = {"gsi1": "SEGMENTS", "gsi2": "DUE"}

    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    tenant = UnicodeAttribute()
    segment_id = UnicodeAttribute()
    name = UnicodeAttribute()
    names = JSONAttribute(default=dict)
    description = UnicodeAttribute(null=True)
    segment_type = UnicodeAttribute(null=True)
    kind = UnicodeAttribute()
    double_opt_in = BooleanAttribute(null=True)
    hidden = BooleanAttribute(default=False)
    criteria = JSONAttribute(null=True)
    version = NumberAttribute(default=1)
    state = UnicodeAttribute()
    slug = UnicodeAttribute(null=True)
    figures = JSONAttribute(null=True)
    days = JSONAttribute(default=dict)
    counted_at = InstantAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, segment_id: str) -> tuple[str, str]:
        return f"SEGMENT#{tenant}#{segment_id}", "SEGMENT"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"SEGMENTS#{tenant}"

    @property
    def dynamic(self) -> bool:
        return self.kind == "dynamic"

    @property
    def member_count(self) -> int:
        """As it was at `counted_at`."""
        return int((self.figures or {}).get("members", 0))


class Definitions(Entity):
    """The ids of a tenant's segments that have criteria. `number` changes with every definition, in its transaction."""

    TYPE = "DEFINITIONS"

    segments = UnicodeSetAttribute(null=True)
    number = NumberAttribute(default=0)

    @staticmethod
    def key(tenant: str) -> tuple[str, str]:
        return f"DEFINITIONS#{tenant}", "DEFINITIONS"


class _Belonging(Entity):
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)

    @classmethod
    def partition(cls, tenant: str, segment_id: str, shard: int) -> str:
        return f"{cls.TYPE}#{tenant}#{segment_id}#{shard}"

    @classmethod
    def key(cls, tenant: str, segment_id: str, contact_id: str) -> tuple[str, str]:
        return cls.partition(tenant, segment_id, ids.shard(contact_id, SHARDS)), contact_id


class Member(_Belonging):
    """A contact belongs to a segment.

    The contact's numbers are kept here so that a segment is added up and sorted without reading its contacts: `value`
    in minor units of the tenant's currency (none where purchases are in another), `channels` with consent (email,sms),
    `name` as it sorts. A row that appears with `bus` or `waited` is the event `segment.joined`
    (drumbeat.segments.events).
    """

    TYPE = "MEMBER"
    INDEX_TYPES = {"gsi2": "DUE"}

    since = InstantAttribute()
    value = NumberAttribute(null=True)
    orders = NumberAttribute(null=True)
    first = InstantAttribute(null=True)
    last = InstantAttribute(null=True)
    channels = UnicodeAttribute(null=True)
    name = UnicodeAttribute(null=True)
    bus = NumberAttribute(null=True)
    waited = NumberAttribute(null=True)


class Watch(_Belonging):
    """A contact does not belong to a segment, and is to be looked at again when time may have changed that."""

    TYPE = "WATCH"
    INDEX_TYPES = {"gsi2": "DUE"}


class Preview(Entity):
    """A job that counts whom criteria match. `matched` is exact when `state` is done."""

    TYPE = "PREVIEW"

    criteria = JSONAttribute()
    state = UnicodeAttribute()
    total = NumberAttribute()
    evaluated = NumberAttribute(default=0)
    matched = NumberAttribute(default=0)
    created_at = InstantAttribute()
    finished_at = InstantAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, job_id: str) -> tuple[str, str]:
        return f"PREVIEW#{tenant}#{job_id}", "PREVIEW"


def get(tenant: str, reference: str) -> Segment:
    """By id or slug. Raises NotFound, also for a segment of another tenant."""
    return resolve(tenant, [reference])[0]


def find(tenant: str, segment_id: str) -> Segment | None:
    """By id, in whatever state it is."""
    return Segment.fetch(*Segment.key(tenant, segment_id)) if ids.is_id(segment_id, "seg") else None


def resolve(tenant: str, names: Sequence[str]) -> list[Segment]:
    """The segments of these ids or slugs, in their order. Raises NotFound naming the first that there is not.

    Reads Segment, Slug.
    """
    wanted = [slugs.resolve(tenant, KIND, "seg", name, "segment") for name in names]
    rows = Segment.many(Segment.key(tenant, segment_id) for segment_id in wanted)
    found = {row.segment_id: row for row in rows if row.state != State.DELETING}
    for name, segment_id in zip(names, wanted, strict=True):
        if segment_id not in found:
            raise NotFound(f"There is no segment {name!r}. List segments to see their ids and slugs.")
    return [found[segment_id] for segment_id in wanted]


def listed(tenant: str) -> int:
    """How many segments the tenant's list has."""
    return table.count(Segment.partition(tenant), number=1)


def evaluated(tenant: str) -> int:
    """How many segments changes of contacts are held against, hidden filters among them."""
    row = Definitions.fetch(*Definitions.key(tenant))
    return len(row.segments or ()) if row else 0


def member_ids(
    tenant: str, segment_id: str, shard: int, *, after: str | None = None, limit: int | None = None
) -> list[str]:
    """Ids of a shard's members in ascending order, those behind `after` only; at most `limit`. A consistent read."""
    found: list[str] = []
    for item in raw_members(tenant, segment_id, shard, after=after, limit=limit, only=["sk"]):
        found.append(item["sk"]["S"])
        if limit is not None and len(found) >= limit:
            break
    return found


def raw_members(
    tenant: str,
    segment_id: str,
    shard: int,
    *,
    after: str | None = None,
    limit: int | None = None,
    only: list[str] | None = None,
    model: type[_Belonging] = Member,
    consistent: bool = True,
) -> Iterator[dict[str, Any]]:
    """Raw rows of one shard in the order of contact ids: entities would cost more time than the read."""
    pk = model.partition(tenant, segment_id, shard)
    start = {"pk": {"S": pk}, "sk": {"S": after}} if after else None
    while True:
        data = table.connection(model).query(
            pk, consistent_read=consistent, exclusive_start_key=start, limit=limit, attributes_to_get=only
        )
        yield from data["Items"]
        start = data.get("LastEvaluatedKey")
        if not start:
            return


def is_member(tenant: str, segment_id: str, contact_id: str) -> bool:
    return Member.fetch(*Member.key(tenant, segment_id, contact_id)) is not None


def count(tenant: str, segment_id: str) -> int:
    """How many members there are now: sixteen consistent counts."""
    total = 0
    for shard in range(SHARDS):
        start = None
        while True:
            data = table.connection(Member).query(
                Member.partition(tenant, segment_id, shard),
                consistent_read=True, exclusive_start_key=start, select="COUNT",
            )  # fmt: skip
            total += int(data["Count"])
            start = data.get("LastEvaluatedKey")
            if not start:
                break
    return total


def create_hidden(tenant: str, segment_id: str, name: str, now: datetime) -> Segment:
    """A static list of a send's named recipients, in no list; made again with its id it is the stored one."""
    segment = Segment(
        *Segment.key(tenant, segment_id), tenant=tenant, segment_id=segment_id, name=name, kind="static", hidden=True,
        state=State.READY, created_at=now, updated_at=now,
    )  # fmt: skip
    try:
        segment.create()
    except ConditionFailed as refused:
        return Segment.from_raw_data(refused.found or {})
    return segment


def add_static(tenant: str, segment_id: str, contact_ids: Iterable[str], now: datetime) -> None:
    """Add members to a static segment; one that is in it stays (only `since` is new)."""
    table.put_many(
        Member(*Member.key(tenant, segment_id, contact_id), since=now) for contact_id in dict.fromkeys(contact_ids)
    )
