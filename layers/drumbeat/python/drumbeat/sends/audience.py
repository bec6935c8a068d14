"""Who is in an audience: ordered ranges of contact ids, so that planning can go on behind any id."""

import heapq
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

from drumbeat import table
from drumbeat.contacts import model as contacts
from drumbeat.fields import View
from drumbeat.segments import model as segments
from drumbeat.sends import stats
from drumbeat.sends.model import PROOFS, SHARDS, Chunk, Outcome, Stat
from drumbeat.table import MOST_IN_BATCH_GET

PAGE = 1000
# What says that a message which was taken did not arrive.
LOST = ("bounced", "soft_bounced", "failed")
# Who has not read a mail has shown none of these. A program that opens mails may stand for somebody who reads them.
SIGNS = frozenset({
    "opened", "opened_machine", "clicked", "clicked_machine", "bounced", "complained", "unsubscribed", "failed",
})  # fmt: skip


class Earlier(View):
    """Recipients of an earlier send that has ended: those with one of the `outcomes` (letters); with `unread`, of those
    only who has shown no sign of reading; with `undelivered`, only whose message is known not to have arrived."""

    send: str
    plan_shards: int
    outcomes: str
    unread: bool = False
    undelivered: bool = False


class Audience(View):
    """Anyone in one of the segments (or everyone, or simply the members of `only`), if also in `only`, and not in an
    excluded one; or recipients of an `earlier` send. Ids, frozen at launch."""

    segments: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    everyone: bool = False
    only: str | None = None
    earlier: Earlier | None = None


def contact_ids(tenant: str, audience: Audience, shard: int, plan_shards: int, after: str | None) -> Iterator[str]:
    """The contacts of a plan's shard in the order of their ids, behind `after`, each once."""
    if audience.earlier:
        return _recipients(tenant, audience.earlier, shard, after)
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


def _recipients(tenant: str, earlier: Earlier, shard: int, after: str | None) -> Iterator[str]:
    """An earlier send's plan has the same ranges in its shards, so they are read as they come."""
    chunks = table.rows(
        Chunk,
        f"CHUNK#{tenant}#{earlier.send}#{shard}",
        start=f"{_first_behind(tenant, earlier.send, shard, after):06d}",
    )
    known = _with_reports(chunks, earlier)
    for _, together in itertools.groupby(known, key=lambda pair: pair[0].range_end or pair[0].sk):
        everyone = ((chunk.contacts, _chosen(chunk, item, earlier)) for chunk, item in together)
        found = sorted(contacts[number] for contacts, chosen in everyone for number in chosen)
        yield from (contact for contact in found if after is None or contact > after)


def by_outcome(tenant: str, earlier: Earlier) -> Counter[str]:
    """How many recipients there are of each of the outcomes, by letter."""
    found: Counter[str] = Counter()
    for shard in range(earlier.plan_shards):
        for chunk, item in _with_reports(table.rows(Chunk, f"CHUNK#{tenant}#{earlier.send}#{shard}"), earlier):
            found.update(_chosen(chunk, item, earlier).values())
    return found


def _with_reports(chunks: Iterator[Chunk], earlier: Earlier) -> Iterator[tuple[Chunk, dict[str, Any]]]:
    """Chunks with their raw stat items, of those that have one and recipients with the outcomes."""
    while block := list(itertools.islice(chunks, MOST_IN_BATCH_GET)):
        items = stats.of(chunk for chunk in block if _letters(chunk, earlier))
        yield from ((chunk, items.get(chunk.place, {})) for chunk in block)


def _first_behind(tenant: str, send_id: str, shard: int, after: str | None) -> int:
    """The first chunk whose range ends behind a contact, found by halves: a shard may have many thousands."""
    last = next(iter(table.rows(Chunk, f"CHUNK#{tenant}#{send_id}#{shard}", newest_first=True, limit=1)), None)
    low, high = 0, int(last.sk) if last and after else 0
    while low < high:
        middle = (low + high) // 2
        chunk = Chunk.fetch(*Chunk.key(tenant, send_id, shard, middle))
        if chunk is not None and after is not None and (chunk.range_end or chunk.contacts[-1]) <= after:
            low = middle + 1
        else:
            high = middle
    return low


def _letters(chunk: Chunk, earlier: Earlier) -> dict[int, str]:
    """The recipients with the outcomes, by number. Who may have been sent by an earlier call counts as unknown,
    whatever became of the next one."""
    doubted = {int(number) for number in chunk.doubted or ()}
    found = {
        number: Outcome.GIVEN_UP.value if number in doubted and letter != Outcome.ACCEPTED else letter
        for number, letter in enumerate(chunk.outcomes)
    }
    return {number: letter for number, letter in found.items() if letter in earlier.outcomes}


def _chosen(chunk: Chunk, stat: dict[str, Any], earlier: Earlier) -> dict[int, str]:
    """The same less those of whom an event says otherwise: a mail that counts as not sent and of which the provider
    reported later was sent."""
    sets = Stat.sets_of(stat)
    if earlier.undelivered:
        none = frozenset[int]()
        lost = none.union(*(sets.get(name, none) for name in LOST)) - sets.get("delivered", none)
        return {number: letter for number, letter in _letters(chunk, earlier).items() if number in lost}
    signs = SIGNS if earlier.unread else PROOFS
    known = {
        number
        for name, members in sets.items()
        if name in signs or (name[0] == "l" and name[1:].isdigit())
        for number in members
    }
    return {number: letter for number, letter in _letters(chunk, earlier).items() if number not in known}


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
