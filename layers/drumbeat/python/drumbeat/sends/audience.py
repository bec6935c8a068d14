"""Who is in an audience: ordered ranges of contact ids, so that planning can go on behind any id."""

import heapq
import itertools
from collections.abc import Iterator

from drumbeat.contacts import model as contacts
from drumbeat.fields import View
from drumbeat.segments import model as segments
from drumbeat.sends.model import SHARDS

PAGE = 1000


class Audience(View):
    """Anyone in one of the segments (or everyone, or simply the members of `only`), if also in `only`, and not in an
    excluded one. Ids, frozen at launch."""

    segments: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    everyone: bool = False
    only: str | None = None


def contact_ids(tenant: str, audience: Audience, shard: int, plan_shards: int, after: str | None) -> Iterator[str]:
    """The contacts of a plan's shard in the order of their ids, behind `after`, each once."""
    parts = [shard] if plan_shards == SHARDS else list(range(SHARDS))
    return heapq.merge(*(_one_shard(tenant, audience, part, after) for part in parts))


def _one_shard(tenant: str, audience: Audience, shard: int, after: str | None) -> Iterator[str]:
    inside: Iterator[str]
    if audience.segments:
        inside = heapq.merge(*(_members(tenant, segment, shard, after) for segment in audience.segments))
        if audience.only:
            inside = _within(inside, _members(tenant, audience.only, shard, after))
    elif audience.only:
        inside = _members(tenant, audience.only, shard, after)
    else:
        inside = contacts.ids_in(tenant, shard, after=after)
    once = (contact for contact, _ in itertools.groupby(inside))
    if not audience.exclude:
        return once
    return _without(once, heapq.merge(*(_members(tenant, segment, shard, after) for segment in audience.exclude)))


def _members(tenant: str, segment: str, shard: int, after: str | None) -> Iterator[str]:
    while True:
        page = segments.member_ids(tenant, segment, shard, after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]


def _within(inside: Iterator[str], wanted: Iterator[str]) -> Iterator[str]:
    """What is in both ordered runs."""
    allowed = next(wanted, None)
    for contact in inside:
        while allowed is not None and allowed < contact:
            allowed = next(wanted, None)
        if contact == allowed:
            yield contact


def _without(inside: Iterator[str], outside: Iterator[str]) -> Iterator[str]:
    """What is in the first ordered run and not in the second."""
    barred = next(outside, None)
    for contact in inside:
        while barred is not None and barred < contact:
            barred = next(outside, None)
        if contact != barred:
            yield contact
