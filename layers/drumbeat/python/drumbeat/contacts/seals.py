"""Seals: every few hours, what was recorded since is written down by number and hash. So a whole chain that is removed,
or made anew from its first entry, is missed.

pk                        sk
SEAL#<tenant>#<shard>     <number>     entries of the shard, in the order in which they were recorded

A seal's hash covers its entries and the seal before it. Its hash is in the function's log, and the command that
verifies prints the last ones: whoever keeps them elsewhere can show that the table was not rewritten, seals included.
"""

import hashlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pynamodb.attributes import BinaryAttribute

from drumbeat import clock, ids, table
from drumbeat.contacts import ledger
from drumbeat.contacts.ledger import Entry
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute

# Entries of one seal: 36 bytes each, within an item's 400 KB.
MOST_ENTRIES = 5_000
# Wall time after which no function can still be writing an entry that it has dated (Lambda runs 15 minutes at most).
SETTLED = timedelta(minutes=16)
_HASH_BYTES = 16
_LEAF = struct.Struct(f">16sI{_HASH_BYTES}s")
# Behind every place of the same moment.
_END = "~"


class Seal(Entity):
    """What one shard's entries were, up to `until` (a place in their listing), from the seal before it on."""

    TYPE = "SEAL"
    LEDGER = True

    until = UnicodeAttribute()
    entries = BinaryAttribute(legacy_encoding=False)
    sealed_at = InstantAttribute()
    hash = BinaryAttribute(legacy_encoding=False)

    @staticmethod
    def partition(tenant: str, shard: int) -> str:
        return f"SEAL#{tenant}#{shard}"

    @staticmethod
    def key(tenant: str, shard: int, number: int) -> tuple[str, str]:
        return Seal.partition(tenant, shard), f"{number:08d}"

    @property
    def number(self) -> int:
        return int(self.sk)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An entry as a seal has it: the first bytes of its hash are enough to tell it from any other."""

    contact_id: str
    number: int
    hash: bytes


def pack(entries: Sequence[Entry]) -> bytes:
    return b"".join(_LEAF.pack(ids.decode(one.contact_id), one.number, one.hash[:_HASH_BYTES]) for one in entries)


def leaves(seal: Seal) -> list[Leaf]:
    return [Leaf(f"con_{ids.encode(raw)}", number, hash_) for raw, number, hash_ in _LEAF.iter_unpack(seal.entries)]


def fits(leaf: Leaf, made: Entry | None) -> bool:
    """Whether the entry is the one that was sealed."""
    return made is not None and bool(made.hash[:_HASH_BYTES] == leaf.hash)


def hash_of(seal: Seal, before: bytes) -> bytes:
    covered = [ledger.VERSION, before.hex(), seal.pk, seal.number, seal.until, hashlib.sha256(seal.entries).hexdigest()]
    return hashlib.sha256(ledger.canonical(covered)).digest()


def genesis(tenant: str, shard: int) -> bytes:
    """What the first seal of a shard has in place of a predecessor."""
    return hashlib.sha256(ledger.canonical(["seals", ledger.VERSION, tenant, shard])).digest()


def last(tenant: str, shard: int) -> Seal | None:
    return next(table.rows(Seal, Seal.partition(tenant, shard), newest_first=True, limit=1), None)


def seal(tenant: str, now: datetime) -> Iterator[Seal]:
    """Seal what was recorded up to a quarter of an hour ago, shard by shard, at most `MOST_ENTRIES` entries a seal; a
    shard without new entries gets none. Two at once make one. Reads Entry; writes Seal."""
    for shard in range(ledger.SHARDS):
        while (made := _next(tenant, shard, now)) is not None:
            yield made


def _next(tenant: str, shard: int, now: datetime) -> Seal | None:
    before = last(tenant, shard)
    end = clock.iso(now - SETTLED * clock.SCALE) + _END
    after = before.until if before else ""
    if after >= end:
        return None
    keys = list(ledger.between(tenant, shard, after, end, MOST_ENTRIES))
    if not keys:
        return None
    entries = Entry.many((pk, sk) for pk, sk, _ in keys)
    made = Seal(
        *Seal.key(tenant, shard, before.number + 1 if before else 1),
        until=keys[-1][2],
        entries=pack(entries),
        sealed_at=now,
    )
    made.hash = hash_of(made, before.hash if before else genesis(tenant, shard))
    try:
        made.create()
    except ConditionFailed as refused:
        return Seal.from_raw_data(refused.found or {})
    return made
