"""Verifying a tenant's ledger, slice by slice: every contact's chain, then every seal against what is there.

The answer says where to go on, so a ledger of any size is verified by asking until there is no `cursor`. The first
broken entry ends it.
"""

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, NamedTuple

from pydantic import Field

from drumbeat.contacts import chain, ledger, model, seals
from drumbeat.contacts.chain import Broken
from drumbeat.contacts.ledger import Entry
from drumbeat.contacts.model import Contact
from drumbeat.contacts.seals import Seal
from drumbeat.errors import Invalid
from drumbeat.fields import Body, Text, View

PAGE = 100
SECONDS = 20.0
Phase = Literal["contacts", "seals"]

READS = (Contact, Entry, Seal)


class Cursor(Body):
    """Where a verification goes on: behind this contact of a shard, or behind this seal of one."""

    phase: Phase = "contacts"
    shard: int = Field(default=0, ge=0)
    after: str | None = None
    number: int = 0


class Verification(Body):
    """Whose ledger, and from where on. `expected` are seals that were noted elsewhere, `<shard>/<number>/<hash>`."""

    tenant: Text
    cursor: Cursor | None = None
    expected: list[Text] = Field(default_factory=list, max_length=100)


class BrokenView(View):
    """The first place where the ledger does not hold."""

    where: str
    number: int
    fault: str
    means: str


class Verified(View):
    """How many contacts, entries of their chains, and entries of seals this slice looked at. Without a `cursor` it was
    the last one; `seals` are then the latest ones."""

    contacts: int
    entries: int
    sealed: int
    cursor: Cursor | None
    broken: BrokenView | None
    seals: list[str]


def verify(wanted: Verification) -> Verified:
    """Verify a slice. Raises Invalid for an expected seal that is none. Reads `READS`."""
    tenant, place = wanted.tenant, wanted.cursor
    broken = None if place else _expected(tenant, wanted.expected)
    place = place or Cursor()
    seen = Seen()
    stop = time.monotonic() + SECONDS
    following: Cursor | None = place
    while following is not None and broken is None:
        step = _contacts if following.phase == "contacts" else _seals
        more, broken, following = step(tenant, following)
        seen = Seen(*(one + other for one, other in zip(seen, more, strict=True)))
        if time.monotonic() >= stop:
            break
    shown = None if broken is None else BrokenView(
        where=broken.where, number=broken.number, fault=broken.fault, means=broken.means
    )  # fmt: skip
    over = following is None and broken is None
    return Verified(
        **seen._asdict(),
        cursor=None if broken else following,
        broken=shown,
        seals=_latest(tenant) if over else [],
    )


class Seen(NamedTuple):
    """What was looked at."""

    contacts: int = 0
    entries: int = 0
    sealed: int = 0


Step = tuple[Seen, Broken | None, Cursor | None]


def _contacts(tenant: str, place: Cursor) -> Step:
    """The chains of the next contacts: read by their numbers, and one behind the last."""
    page = list(model.ids_in(tenant, place.shard, after=place.after, limit=PAGE))
    people = model.many(tenant, page)
    keys = [
        Entry.key(tenant, one.contact_id, number)
        for one in people
        for number in range(1, int(one.consent_entries or 0) + 2)
    ]
    chains: dict[str, list[Entry]] = defaultdict(list)
    for made in Entry.many(keys):
        chains[made.contact_id].append(made)
    for one in people:
        if chain.first_fault(tenant, one.contact_id, chains[one.contact_id], one):
            # It may have changed between the two reads.
            broken = verify_contact(tenant, one.contact_id)
            if broken:
                return Seen(), broken, None
    if len(page) == PAGE:
        following = Cursor(shard=place.shard, after=page[-1])
    elif place.shard + 1 < model.SHARDS:
        following = Cursor(shard=place.shard + 1)
    else:
        following = Cursor(phase="seals")
    return Seen(len(people), len(keys) - len(people)), None, following


def verify_contact(tenant: str, contact_id: str) -> Broken | None:
    """The first fault of one contact's chain, also of one that was deleted; asked twice, as it may just be growing."""
    broken = None
    for _ in range(2):
        contact = model.find(tenant, contact_id)
        broken = chain.first_fault(tenant, contact_id, ledger.history(tenant, contact_id), contact)
        if broken is None:
            return None
    return broken


def _seals(tenant: str, place: Cursor) -> Step:
    """The next seal of a shard: its hash, and that what it sealed is there, and nothing else of that time."""
    shard, number = place.shard, place.number + 1
    seal = Seal.fetch(*Seal.key(tenant, shard, number))
    if seal is None:
        newest = seals.last(tenant, shard)
        broken = Broken(f"seals of shard {shard}", number, "missing") if newest and newest.number > number else None
        return Seen(), broken, Cursor(phase="seals", shard=shard + 1) if shard + 1 < ledger.SHARDS else None
    before = Seal.fetch(*Seal.key(tenant, shard, number - 1)) if number > 1 else None
    if seal.hash != seals.hash_of(seal, before.hash if before else seals.genesis(tenant, shard)):
        return Seen(), Broken(f"seals of shard {shard}", number, "seal_changed"), None
    held = seals.leaves(seal)
    broken = _sealed(tenant, held) or _unsealed(tenant, shard, before.until if before else "", seal.until, held)
    return Seen(sealed=len(held)), broken, Cursor(phase="seals", shard=shard, number=number)


def _sealed(tenant: str, held: Sequence[seals.Leaf]) -> Broken | None:
    """Whether each sealed entry is there as it was; of a contact that was deleted, the whole chain."""
    keys = {Entry.key(tenant, leaf.contact_id, leaf.number): leaf for leaf in held}
    found = {(made.pk, made.sk): made for made in Entry.many(keys)}
    for key, leaf in keys.items():
        made = found.get(key)
        if made is None or not seals.fits(leaf, made):
            return Broken(leaf.contact_id, leaf.number, "missing" if made is None else "changed")
        if made.ends:
            broken = verify_contact(tenant, leaf.contact_id)
            if broken:
                return broken
    return None


def _unsealed(tenant: str, shard: int, after: str, until: str, held: Sequence[seals.Leaf]) -> Broken | None:
    """The first entry of a sealed time that the seal does not have."""
    known = {Entry.key(tenant, leaf.contact_id, leaf.number) for leaf in held}
    listed = ledger.between(tenant, shard, after, until, seals.MOST_ENTRIES + 1)
    other = next(((pk, sk) for pk, sk, _ in listed if (pk, sk) not in known), None)
    return Broken(other[0].rsplit("#", 1)[1], int(other[1]), "not_sealed") if other else None


def _expected(tenant: str, noted: Sequence[str]) -> Broken | None:
    for text in noted:
        shard, _, rest = text.partition("/")
        number, _, hashed = rest.partition("/")
        if not (shard.isdigit() and number.isdigit() and hashed):
            raise Invalid.field(
                "expected", f"{text!r} is no seal: <shard>/<number>/<hash>, as this command prints them"
            )
        seal = Seal.fetch(*Seal.key(tenant, int(shard), int(number)))
        if seal is None or seal.hash.hex() != hashed.lower():
            return Broken(f"seals of shard {shard}", int(number), "missing" if seal is None else "seal_changed")
    return None


def _latest(tenant: str) -> list[str]:
    found = ((shard, seals.last(tenant, shard)) for shard in range(ledger.SHARDS))
    return [f"{shard}/{seal.number}/{seal.hash.hex()}" for shard, seal in found if seal]
