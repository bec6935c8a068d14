"""Pages of a list: newest first through index 1, by cursor or by page number, with the items read consistently.

A list that can be large is sharded: its index partitions are `<list>#<shard>`, and a page merges them.
"""

import base64
import heapq
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from drumbeat import table
from drumbeat.errors import Invalid
from drumbeat.fields import Listing, Page
from drumbeat.table import Entity

E = TypeVar("E", bound=Entity)
MOST_FILTERED = 10_000
# Letters: three keys, of which DynamoDB takes a sort key of 1,024 bytes at most.
MOST_CURSOR = 1_300
_FOREIGN = "is not a cursor of this list; leave it out to start from the first page"


def page(
    model: type[E],
    partitions: Sequence[str],
    listing: Listing,
    *,
    total: Callable[[], int],
    keep: Callable[[E], bool] | None = None,
    newest_first: bool = True,
    number: int = 1,
) -> "Page[E]":
    """One page of entities. `total` counts the list without a filter; with `keep`, at most 10,000 rows are read and
    `total_count_exact` says whether that was all of them. Raises Invalid for a cursor that is not ours."""
    after = _place(model, partitions[0], listing.cursor) if listing.cursor else None
    skip = ((listing.page or 1) - 1) * listing.limit if after is None else 0
    if keep is None:
        keys = _merged(partitions, number, newest_first, after, skip + listing.limit + 1)
        window = list(itertools.islice(keys, skip, skip + listing.limit + 1))
        found = {(item.pk, item.sk): item for item in model.many((pk, sk) for pk, sk, _ in window[: listing.limit])}
        items = [found[key[:2]] for key in window[: listing.limit] if key[:2] in found]
        more = len(window) > listing.limit
        cursor = encode(window[listing.limit - 1]) if more else None
        return Page(items=items, total_count=total(), limit=listing.limit, next_cursor=cursor)
    return _filtered(
        model, _merged(partitions, number, newest_first, None, MOST_FILTERED + 1), listing, after, skip, keep
    )


def _filtered(
    model: type[E],
    keys: Iterator[tuple[str, str, str]],
    listing: Listing,
    after: tuple[str, str, str] | None,
    skip: int,
    keep: Callable[[E], bool],
) -> "Page[E]":
    """Count and cut in one pass, so that the total and the page agree with each other."""
    matching: list[tuple[tuple[str, str, str], E]] = []
    read = 0
    while read <= MOST_FILTERED and (batch := list(itertools.islice(keys, table.MOST_IN_BATCH_GET))):
        read += len(batch)
        found = {(item.pk, item.sk): item for item in model.many((pk, sk) for pk, sk, _ in batch)}
        matching += [(key, found[key[:2]]) for key in batch if key[:2] in found and keep(found[key[:2]])]
    places = [key for key, _ in matching]
    start = places.index(after) + 1 if after in places else skip
    window = matching[start : start + listing.limit]
    more = len(matching) > start + listing.limit
    return Page(
        items=[item for _, item in window],
        total_count=len(matching),
        total_count_exact=read <= MOST_FILTERED,
        limit=listing.limit,
        next_cursor=encode(window[-1][0]) if more and window else None,
    )


def _merged(
    partitions: Sequence[str], number: int, newest_first: bool, after: tuple[str, str, str] | None, limit: int
) -> Iterator[tuple[str, str, str]]:
    """The keys of several index partitions in one order; `after` may lie in any of them."""

    def one(partition: str) -> Iterator[tuple[str, str, str]]:
        return table.keys_in_index(number, partition, after=after, newest_first=newest_first, limit=limit)

    runs: Iterable[Iterator[tuple[str, str, str]]] = [one(partition) for partition in partitions]
    return heapq.merge(*runs, key=lambda key: key[2], reverse=newest_first)


def encode(key: tuple[str, str, str]) -> str:
    """An opaque cursor."""
    return base64.urlsafe_b64encode("\x1f".join(key).encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[str, str, str]:
    """What a cursor says: anybody may have made it. Raises Invalid for what no key of the table could be."""
    try:
        pk, sk, place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split("\x1f")
    except ValueError as error:
        raise Invalid.field("cursor", _FOREIGN) from error
    if not pk or not sk or len(cursor) > MOST_CURSOR:
        raise Invalid.field("cursor", _FOREIGN)
    return pk, sk, place


def _place(model: type[Entity], partition: str, cursor: str) -> tuple[str, str, str]:
    """The place behind which a list goes on. Raises Invalid for the cursor of another list, or of another tenant's."""
    pk, sk, place = decode(cursor)
    kind, owner = [*pk.split("#"), ""][:2]
    if kind != model.TYPE or not place or not (model.GLOBAL or owner == partition.split("#")[1]):
        raise Invalid.field("cursor", _FOREIGN)
    return pk, sk, place


def decode_in(partition: str, cursor: str) -> str:
    """The sort key behind which a list of one partition goes on. Raises Invalid for the cursor of another list."""
    pk, sk, _ = decode(cursor)
    if pk != partition:
        raise Invalid.field("cursor", _FOREIGN)
    return sk


def shown(found: "Page[E]", view: Callable[[E], Any]) -> Page[Any]:
    """The page with each entity as its view."""
    return found.model_copy(update={"items": [view(item) for item in found.items]})
