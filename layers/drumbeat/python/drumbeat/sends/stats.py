"""A chunk's stat items as one. Each has the sets of fifty recipients: an update bills the whole item, so those of a
chunk of five hundred would cost ten times as much in one."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pynamodb.attributes import NumberSetAttribute

from drumbeat import table
from drumbeat.sends import marks
from drumbeat.sends.model import Chunk, Place, Stat

Item = dict[str, Any]


def of(chunks: Iterable[Chunk], *, consistent: bool = True) -> dict[Place, Item]:
    """The raw stat items of chunks, each chunk's in one; without those of which nothing is known."""
    keys = {key: chunk.place for chunk in chunks for key in chunk.place.stat_keys(len(chunk.outcomes))}
    found: defaultdict[Place, list[Item]] = defaultdict(list)
    for item in table.raw_many(list(keys), consistent=consistent):
        found[keys[item["pk"]["S"], item["sk"]["S"]]].append(item)
    return {place: joined(items) for place, items in found.items()}


def by_chunk(items: Iterable[Item]) -> Iterator[tuple[str, Item]]:
    """The sort key of each chunk and its stat items in one, of raw items in the order of their keys."""
    for number, same in itertools.groupby(items, key=lambda item: str(item["sk"]["S"]).partition("#")[0]):
        yield number, joined(list(same))


def joined(items: list[Item]) -> Item:
    """One item with the sets of all: recipients are in one of them each."""
    if len(items) == 1:
        return items[0]
    whole: Item = {}
    for item in items:
        for name, value in item.items():
            whole[name] = {"NS": [*whole[name]["NS"], *value["NS"]]} if name in whole and "NS" in value else value
    return whole


def unite(place: Place, sets: Mapping[str, set[int]]) -> None:
    """Add numbers, and marks, to sets of a chunk; what is there already changes nothing."""
    parts: defaultdict[tuple[str, str], defaultdict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
    for name, members in sets.items():
        for member in members:
            parts[place.stat_key_of(marks.recipient(member))][name].add(member)
    for key, part in sorted(parts.items()):
        actions = [NumberSetAttribute(attr_name=name).add(members) for name, members in sorted(part.items())]
        Stat.change_at(*key, *actions)
