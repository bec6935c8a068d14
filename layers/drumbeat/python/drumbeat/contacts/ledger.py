"""The ledger of consent: who said what about messages of a channel, when, where and how. Nothing in it is changed.

pk                             sk          gsi1pk                      gsi1sk
CONSENT#<tenant>#<contact>     <number>    CONSENTS#<tenant>#<shard>   <recorded at>#<contact>#<number>

A contact's entries are one chain. An entry's hash is SHA-256 over what it says and over the hash of the entry before
it; the first one's predecessor follows from tenant and contact. The contact carries the number and the hash of its last
entry, and both change in the transaction that changes the consent. So an entry that was altered, removed, put in
between or moved breaks the chain at a place that can be named (`chain`), and a chain that is gone is missing from the
tenant's seals (`seals`).

What identifies a person (the address, where and with what they answered) is an attribute of its own. The hash covers
its salted digest, so it can be erased and the chain still holds. A contact that is deleted leaves a last entry, which
says so.
"""

import hashlib
import json
import secrets
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from pynamodb.attributes import BinaryAttribute, JSONAttribute

from drumbeat import clock, ids, table
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute, index

SHARDS = 8
# Part of every hash: entries that are made in another way some day say so.
VERSION = 1


class CanonicalJSON(JSONAttribute):
    """JSON of which there is one spelling."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else canonical(value).decode()


def canonical(value: Any) -> bytes:
    """The same bytes for the same value, however its keys are ordered."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8", "surrogatepass")


class Entry(Entity):
    """What was said at one moment: `statements` has a channel, status, at, source and method each.

    `ends` (`deleted`) is only on the last entry of a contact that is gone.
    """

    TYPE = "CONSENT"
    LEDGER = True
    INDEX_TYPES = {"gsi1": "CONSENTS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    statements = CanonicalJSON(attr_name="said")
    recorded_at = InstantAttribute(attr_name="rec")
    actor = UnicodeAttribute(null=True)
    cause = UnicodeAttribute(null=True)
    ends = UnicodeAttribute(null=True)
    personal = CanonicalJSON(attr_name="who", null=True)
    personal_digest = BinaryAttribute(attr_name="whod", null=True, legacy_encoding=False)
    redacted_at = InstantAttribute(null=True)
    hash = BinaryAttribute(legacy_encoding=False)

    @staticmethod
    def partition(tenant: str, contact_id: str) -> str:
        return f"CONSENT#{tenant}#{contact_id}"

    @staticmethod
    def key(tenant: str, contact_id: str, number: int) -> tuple[str, str]:
        return Entry.partition(tenant, contact_id), f"{number:06d}"

    @staticmethod
    def listing(tenant: str, shard: int) -> str:
        """The index partition that has this shard's entries in the order in which they were recorded."""
        return f"CONSENTS#{tenant}#{shard}"

    @property
    def number(self) -> int:
        return int(self.sk)

    @property
    def contact_id(self) -> str:
        return str(self.pk.rsplit("#", 1)[1])


class Head(Protocol):
    """A contact, as far as the ledger goes: whose it is, its addresses, and its last entry."""

    tenant: Any
    contact_id: Any
    email: Any
    phone: Any
    consent: Any
    consent_entries: Any
    consent_hash: Any


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a statement: who recorded it (a key, `recipient`, `provider`, `import`), the id of what brought
    it about (a request, a send, an import), and where the person was."""

    actor: str | None = None
    cause: str | None = None
    ip: str | None = None
    user_agent: str | None = None


NO_EVIDENCE = Evidence()


def said(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The statements that lead from one state of a contact's consent to another."""
    return [{"channel": name, **after[name]} for name in sorted(after) if after[name] != before.get(name)]


def entry(contact: Head, statements: Sequence[Mapping[str, Any]], evidence: Evidence, ends: str | None = None) -> Entry:
    """The entry that comes next in the contact's chain; to be created in the transaction that changes the contact.

    Consent that the contact has from before there was a ledger is put in front of the statements.
    """
    tenant, contact_id = str(contact.tenant), str(contact.contact_id)
    number = int(contact.consent_entries or 0) + 1
    before = contact.consent_hash or genesis(tenant, contact_id)
    older = said({}, contact.consent or {}) if number == 1 else []
    told = [*older, *(dict(one) for one in statements)]
    personal = _personal(contact, {one["channel"] for one in told}, evidence)
    now = clock.business()
    made = Entry(
        *Entry.key(tenant, contact_id, number),
        gsi1pk=Entry.listing(tenant, ids.shard(contact_id, SHARDS)),
        gsi1sk=place(now, contact_id, number),
        statements=told,
        recorded_at=clock.parse(clock.iso(now)),
        actor=evidence.actor,
        cause=evidence.cause,
        ends=ends,
        personal=personal,
        personal_digest=digest(personal) if personal else None,
    )
    made.hash = hash_of(made, before)
    return made


def place(recorded_at: datetime, contact_id: str, number: int) -> str:
    """Where an entry is in its listing."""
    return f"{clock.iso(recorded_at)}#{contact_id}#{number:06d}"


def _personal(contact: Head, channels: Container[str], evidence: Evidence) -> dict[str, str] | None:
    """The addresses that the statements are about, and where they were made."""
    known = {
        "email": contact.email if "email" in channels else None,
        "phone": contact.phone if "sms" in channels else None,
        "ip": evidence.ip,
        "user_agent": evidence.user_agent,
    }
    held = {name: str(value) for name, value in known.items() if value}
    return {**held, "salt": secrets.token_urlsafe(16)} if held else None


def digest(personal: Mapping[str, Any]) -> bytes:
    """What the hash of an entry knows of the person. The salt goes with the rest, so nothing can be guessed from it."""
    return hashlib.sha256(canonical(personal)).digest()


def genesis(tenant: str, contact_id: str) -> bytes:
    """What the first entry of a contact has in place of a predecessor: no chain can be passed off as another's."""
    return hashlib.sha256(canonical(["consent", VERSION, tenant, contact_id])).digest()


def hash_of(made: Entry, before: bytes) -> bytes:
    """An entry's hash. It covers everything but the personal data itself, of which it covers the digest."""
    covered = [
        VERSION, before.hex(), made.number, made.statements, clock.iso(made.recorded_at), made.actor, made.cause,
        made.ends, made.personal_digest.hex() if made.personal_digest else None,
    ]  # fmt: skip
    return hashlib.sha256(canonical(covered)).digest()


def history(tenant: str, contact_id: str) -> list[Entry]:
    """All entries of a contact, also of one that was deleted, the first one first."""
    return list(table.rows(Entry, Entry.partition(tenant, contact_id)))


def redact(tenant: str, contact_id: str, at: datetime) -> int:
    """Erase what identifies the person from all entries; the chain still holds. Repeating it is harmless.

    Gives how many entries were changed. Reads and writes Entry. The contact itself is not looked at.
    """
    return sum(_redacted(made, at) for made in history(tenant, contact_id))


def _redacted(made: Entry, at: datetime) -> bool:
    if made.personal is None:
        return False
    try:
        made.change(Entry.personal.remove(), Entry.redacted_at.set(at), condition=Entry.personal.exists())
    except ConditionFailed:
        return False
    return True


def state(entries: Sequence[Entry]) -> dict[str, dict[str, Any]]:
    """What the entries add up to: for each channel the last statement, as a contact has it."""
    after: dict[str, dict[str, Any]] = {}
    for made in entries:
        for one in made.statements:
            after[one["channel"]] = {name: value for name, value in one.items() if name != "channel"}
    return after


def between(tenant: str, shard: int, after: str, until: str, limit: int) -> Iterator[tuple[str, str, str]]:
    """(pk, sk, place) of a shard's entries with `after` < place <= `until`, in the order of recording."""
    found = Entry.listed.query(
        Entry.listing(tenant, shard),
        Entry.gsi1sk.between(after or "0", until),
        limit=limit + 1,
    )
    for number, made in enumerate(one for one in found if one.gsi1sk != after):
        if number == limit:
            return
        yield made.pk, made.sk, made.gsi1sk
