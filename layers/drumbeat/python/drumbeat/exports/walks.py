"""Walks over what a tenant has: each gives (what, place behind it) in an order of keys that does not change, so that a
walk goes on behind any place and nothing comes twice, whatever is added, changed or deleted meanwhile.

A place is JSON. A step may give None for what: nothing to write there, but a place to go on from.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from drumbeat import table
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.segments import model as segments
from drumbeat.segments.model import Segment
from drumbeat.sends.model import Chunk, Send
from drumbeat.table import Entity

Place = list[Any] | None
E = TypeVar("E", bound=Entity)
T = TypeVar("T")
U = TypeVar("U")


def listed(model: type[E], partitions: Sequence[str], place: Place) -> Iterator[tuple[E | None, Place]]:
    """The entities of index 1's partitions, read consistently, a hundred at a time."""
    first, after = place or (0, None)
    for number in range(first, len(partitions)):
        keys = table.keys_in_index(
            1, partitions[number], after=tuple(after) if after else None, newest_first=False, limit=None
        )
        while batch := list(itertools.islice(keys, table.MOST_IN_BATCH_GET)):
            found = {(item.pk, item.sk): item for item in model.many(key[:2] for key in batch)}
            for key in batch:
                yield found.get(key[:2]), [number, list(key)]
        after = None


def people(tenant: str, place: Place) -> Iterator[tuple[Contact | None, Place]]:
    """All contacts."""
    return listed(Contact, contacts.partitions(tenant), place)


def items(model: type[E], partition: str, place: Place, **span: str) -> Iterator[tuple[E | None, Place]]:
    """The items of one partition in the order of their sort keys."""
    for row in table.rows(model, partition, after=place[0] if place else None, **span):  # type: ignore[arg-type]
        yield row, [row.sk]


def nested(
    outer: Callable[[Place], Iterator[tuple[T | None, Place]]],
    inner: Callable[[T, Place], Iterator[tuple[U, Place]]],
    name: Callable[[T], str],
    place: Place,
) -> Iterator[tuple[U | None, Place]]:
    """What is inside each of the outer walk's things. `name` tells whether the thing at a place is still the one that
    the inner place belongs to."""
    before, inside, whose = place or (None, None, None)
    for thing, behind in outer(before):
        if thing is not None:
            for found, within in inner(thing, inside if name(thing) == whose else None):
                yield found, [before, within, name(thing)]
        inside, before = None, behind
        yield None, [before, None, None]


def one(thing: T) -> Callable[[Place], Iterator[tuple[T | None, Place]]]:
    """An outer walk over a single thing."""

    def walk(place: Place) -> Iterator[tuple[T | None, Place]]:
        if place is None:
            yield thing, [True]

    return walk


def raw_members(segment: Segment, place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """The raw member rows of a segment."""
    first, after = place or (0, None)
    for shard in range(first, segments.SHARDS):
        for row in segments.raw_members(segment.tenant, segment.segment_id, shard, after=after):
            yield row, [shard, row["sk"]["S"]]
        after = None


def members(segment: Segment, place: Place) -> Iterator[tuple[tuple[dict[str, Any], Contact | None], Place]]:
    """The raw member rows of a segment with their contacts (None for one that was deleted a moment ago)."""
    rows = raw_members(segment, place)
    while batch := list(itertools.islice(rows, table.MOST_IN_BATCH_GET)):
        ids = [row["sk"]["S"] for row, _ in batch]
        found = {one.contact_id: one for one in contacts.many(segment.tenant, ids)}
        for row, behind in batch:
            yield (row, found.get(row["sk"]["S"])), behind


def sends(campaign: Campaign) -> Iterator[Send]:
    """The sends of a campaign."""
    if campaign.send_id and (send := Send.fetch(*Send.key(campaign.tenant, campaign.send_id))):
        yield send


def chunks(send: Send, place: Place) -> Iterator[tuple[Chunk, Place]]:
    """The chunks of a send in the order of the ledger."""
    first, after = place or (0, None)
    for shard in range(first, int(send.plan_shards)):
        for chunk in table.rows(Chunk, f"CHUNK#{send.tenant}#{send.send_id}#{shard}", after=after):
            yield chunk, [shard, chunk.sk]
        after = None
