"""Whether a contact's chain in the ledger is whole: the first place where it is not, and what is wrong there. Pure.

What a chain cannot tell by itself: that it was made anew from its first entry, or is gone. The seals tell that
(`seals`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from drumbeat import ids
from drumbeat.contacts import ledger
from drumbeat.contacts.ledger import Entry

Fault = Literal[
    "missing", "changed", "personal_data_changed", "not_in_contact", "contact_differs", "consent_differs",
    "listing_changed", "after_end", "not_sealed", "seal_changed",
]  # fmt: skip
MEANS: dict[str, str] = {
    "missing": "the entry is not there",
    "changed": "what the entry says, or its place, does not fit its hash or the entry before it",
    "personal_data_changed": "the address or the circumstances of the statement do not fit the entry",
    "not_in_contact": "the entry is behind the last one that the contact knows",
    "contact_differs": "the contact names another hash for its last entry",
    "consent_differs": "the contact's consent is not what the entries add up to",
    "listing_changed": "the entry is listed at another place than where it was recorded",
    "after_end": "there are entries behind the one that ends the chain",
    "not_sealed": "the entry was recorded in a time that is sealed, and the seal does not have it",
    "seal_changed": "what the seal says does not fit its hash or the seal before it",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """A place where the ledger does not hold: the contact (or the seals' shard), the number of the entry (or seal)."""

    where: str
    number: int
    fault: Fault

    @property
    def means(self) -> str:
        return MEANS[self.fault]


def first_fault(tenant: str, contact_id: str, entries: Sequence[Entry], contact: Any | None) -> Broken | None:
    """The first fault of a chain, None when it is whole. `entries` are in the order of their numbers; `contact` is None
    for one that was deleted: its chain, if it has said anything, must then have an end."""

    def broken(number: int, fault: Fault) -> Broken:
        return Broken(contact_id, number, fault)

    before = ledger.genesis(tenant, contact_id)
    for number, made in enumerate(entries, 1):
        if made.number != number:
            return broken(number, "missing")
        if made.hash != ledger.hash_of(made, before):
            return broken(number, "changed")
        if not _personal_fits(made):
            return broken(number, "personal_data_changed")
        if not _listed(tenant, made):
            return broken(number, "listing_changed")
        if made.ends and number < len(entries):
            return broken(number + 1, "after_end")
        before = made.hash
    if contact is None:
        return None if not entries or entries[-1].ends else broken(len(entries) + 1, "missing")
    return _fault_of_head(entries, contact, broken)


def _personal_fits(made: Entry) -> bool:
    """What was erased leaves its digest, and says when."""
    if made.personal is None:
        return made.personal_digest is None or made.redacted_at is not None
    return bool(made.personal_digest == ledger.digest(made.personal))


def _listed(tenant: str, made: Entry) -> bool:
    listing = ledger.Entry.listing(tenant, ids.shard(made.contact_id, ledger.SHARDS))
    return (made.gsi1pk, made.gsi1sk) == (listing, ledger.place(made.recorded_at, made.contact_id, made.number))


def _fault_of_head(entries: Sequence[Entry], contact: Any, broken: Callable[[int, Fault], Broken]) -> Broken | None:
    """Whether the chain ends where the contact says, and says what the contact has."""
    known = int(contact.consent_entries or 0)
    if len(entries) < known:
        return broken(len(entries) + 1, "missing")
    if len(entries) > known:
        return broken(known + 1, "not_in_contact")
    if not known:
        return broken(1, "missing") if contact.consent else None
    if entries[-1].hash != contact.consent_hash:
        return broken(known, "contact_differs")
    if ledger.state(entries) != (contact.consent or {}):
        return broken(known, "consent_differs")
    return None
