"""Writing many people at once: those who are new are created, those who are known get what is new about them.

A person is known by external id, then by e-mail address, then by telephone number. Writing the same rows again changes
nothing: a row that made a contact is recognised by the id that it gave it, and merging twice is merging once.
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from drumbeat import clock, counts, ids, table
from drumbeat.contacts import addresses, changes, consent, model
from drumbeat.contacts.model import Claim, Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.views import MOST_TAGS, NewContact
from drumbeat.errors import Invalid
from drumbeat.table import Transaction, TransactionRefused

TRIES = 12
# One action is left for the count.
MOST_ACTIONS = table.MOST_IN_TRANSACTION - 1
CLAIMED = ("external_id", "email", "phone")

What = Literal["created", "updated", "duplicate", "rejected"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One row: what it says, by attribute of a contact, normalised; and the id that it gets if it is someone new."""

    contact_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `duplicate`: of an earlier row, or of a known person when nothing is to be updated."""

    what: What
    contact_id: str | None
    field: str = ""
    reason: str = ""


def write(
    tenant: str, rows: Sequence[Incoming], *, now: datetime, update: bool = True, origin: str | None = None
) -> list[Outcome]:
    """Write rows in their order and say what became of each. `origin` is the import that they belong to.

    Reads and writes Contact, ContactAddress, ContactExternalId, Count.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < len(rows):
        outcomes += _written(tenant, rows[len(outcomes) :], now, update, origin)
    return outcomes


def _written(tenant: str, rows: Sequence[Incoming], now: datetime, update: bool, origin: str | None) -> list[Outcome]:
    """Write rows up to the first that gives up an address: whether it is free for a later row is known only then."""
    made: set[str] = set()
    for tried in range(TRIES):
        plan = _Plan(tenant, now, update, origin, made)
        outcomes = plan.resolved(rows)
        if outcomes is not None and plan.committed():
            return outcomes
        # Someone else wrote one of these people at the same time: look again.
        time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
    raise RuntimeError("rows met other writers on every try")


@dataclass(slots=True)
class _Person:
    """Someone whom rows speak of: as stored (None for someone new), and as the rows want it."""

    contact_id: str
    stored: Contact | None
    wanted: dict[str, Any]

    def value(self, name: str) -> Any:
        return self.wanted[name] if name in self.wanted else getattr(self.stored, name, None)


class _Plan:
    """What is to be written for rows, from what was stored a moment ago."""

    def __init__(self, tenant: str, now: datetime, update: bool, origin: str | None, made: set[str]) -> None:
        self.tenant, self.now, self.update, self.origin = tenant, now, update, origin
        self.made = made
        self.known: dict[str, str] = {}
        self.people: dict[str, _Person] = {}

    def resolved(self, rows: Sequence[Incoming]) -> list[Outcome] | None:
        """What becomes of the rows (or the first of them); None when what was read does not fit together."""
        keys = {key for row in rows for key in self._keys(row.values).values()}
        self.known = {item["pk"]["S"]: item["contact"]["S"] for item in table.raw_many(sorted(keys))}
        for contact in model.many(self.tenant, dict.fromkeys(self.known.values())):
            self.people[contact.contact_id] = _Person(contact.contact_id, contact, {})
        if any(contact_id not in self.people for contact_id in self.known.values()):
            return None
        outcomes = []
        for row in rows:
            outcome, freed = self._outcome(row)
            outcomes.append(outcome)
            if freed:
                break
        return outcomes

    def _keys(self, values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """The keys of the claims of a row, in the order in which they identify a person."""
        made = {"external_id": ContactExternalId.key, "email": ContactAddress.key, "phone": ContactAddress.key}
        return {name: made[name](self.tenant, values[name]) for name in CLAIMED if values.get(name)}

    def _outcome(self, row: Incoming) -> tuple[Outcome, bool]:
        """What becomes of a row, and whether it gives up an address."""
        keys = self._keys(row.values)
        target = next((self.known[pk] for pk, _ in keys.values() if pk in self.known), None)
        if target == row.contact_id or row.contact_id in self.made:
            return Outcome("created", row.contact_id), False
        if target is None:
            self.people[row.contact_id] = _Person(row.contact_id, None, dict(row.values))
            self.known.update((pk, row.contact_id) for pk, _ in keys.values())
            return Outcome("created", row.contact_id), False
        person = self.people[target]
        ours = person.stored is None or (self.origin is not None and person.stored.import_id == self.origin)
        what: What = "duplicate" if ours or not self.update else "updated"
        if not self.update:
            return Outcome(what, target), False
        for name, (pk, _) in keys.items():
            if self.known.get(pk, target) != target:
                return Outcome("rejected", target, name, "belongs to another contact than the rest of the row"), False
        try:
            wanted = self._merged(person, row.values)
        except Invalid as refusal:
            detail = refusal.details[0]
            return Outcome("rejected", target, detail.field, detail.message), False
        freed = self._claim(person, wanted, keys)
        person.wanted.update(wanted)
        return Outcome(what, target), freed

    def _merged(self, person: _Person, said: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a person after a row: cells that say something replace, tags and attributes are added."""
        wanted = {name: value for name, value in said.items() if value is not None}
        held = person.value("email")
        if held and "email" in wanted and addresses.claim(held) == addresses.claim(wanted["email"]):
            del wanted["email"]  # another spelling of the same address is nothing new
        if "tags" in wanted:
            wanted["tags"] = (person.value("tags") or set()) | wanted["tags"]
            if len(wanted["tags"]) > MOST_TAGS:
                raise Invalid.field("tags", f"a contact has at most {MOST_TAGS} tags")
        if "attributes" in wanted:
            wanted["attributes"] = changes.merged(person.value("attributes") or {}, wanted["attributes"])
        if "consent" in wanted:
            wanted["consent"] = consent.merged(person.value("consent") or {}, wanted["consent"])
        return wanted

    def _claim(self, person: _Person, wanted: Mapping[str, Any], keys: Mapping[str, tuple[str, str]]) -> bool:
        """Note what the person claims from this row on; True when a stored claim is given up for it."""
        before = {name: person.value(name) for name in keys}
        given_up = {pk for name, (pk, _) in self._keys(before).items() if wanted.get(name) and keys[name][0] != pk}
        for pk in given_up:
            self.known.pop(pk, None)
        self.known.update((pk, person.contact_id) for pk, _ in keys.values())
        return bool(given_up) and person.stored is not None

    def committed(self) -> bool:
        """Write it, as many people to a transaction as fit; False when one was refused."""
        transaction = Transaction()
        creations: dict[int, str] = {}
        for person in self.people.values():
            steps = self._steps(person)
            if steps is None:
                continue
            if len(transaction) + len(steps) > MOST_ACTIONS:
                if not self._commit(transaction, creations):
                    return False
                transaction, creations = Transaction(), {}
            if isinstance(steps, _Creation):
                creations[len(transaction)] = steps.contact.contact_id
            steps.into(transaction)
        return not len(transaction) or self._commit(transaction, creations)

    def _steps(self, person: _Person) -> "_Creation | changes.Steps | None":
        if person.stored is None:
            return _Creation(self._contact(person))
        steps = changes.Steps(person.stored, person.wanted, self.now)
        return steps if steps.actions else None

    def _contact(self, person: _Person) -> Contact:
        return Contact(
            *Contact.key(self.tenant, person.contact_id),
            gsi1pk=Contact.partition_of(self.tenant, person.contact_id),
            gsi1sk=person.contact_id,
            tenant=self.tenant,
            contact_id=person.contact_id,
            import_id=self.origin,
            created_at=self.now,
            updated_at=self.now,
            **person.wanted,
        )

    def _commit(self, transaction: Transaction, creations: Mapping[int, str]) -> bool:
        if creations:
            counts.into(transaction, self.tenant, model.KIND, next(iter(creations.values())), len(creations))
        try:
            transaction.commit()
        except TransactionRefused as refused:
            # A contact that is there under its row's own id was made before: an earlier try of the same rows.
            self.made.update(contact_id for place, contact_id in creations.items() if refused.found[place])
            return False
        return True


class _Creation:
    """What it takes to create a contact."""

    def __init__(self, contact: Contact) -> None:
        self.contact = contact
        self.claims: list[Claim] = model.claims(contact)

    def __len__(self) -> int:
        return 1 + len(self.claims)

    def into(self, transaction: Transaction) -> None:
        transaction.create(self.contact)
        for row in self.claims:
            transaction.create(row)


def values_of(tenant: str, new: NewContact, now: datetime, method: str | None) -> dict[str, Any]:
    """What a new contact's model says, as the values of a row. Raises Invalid for a number that is none."""
    phone = None if new.phone is None else model.dialled(tenant, new.phone, new.country)
    built = model.build(tenant, new, "", now, phone=phone, method=method)
    values = {name: getattr(built, name) for name in changes.CHANGEABLE}
    return {name: value for name, value in values.items() if value not in (None, {}, set())}


def upsert_by_email(
    tenant: str, rows: Sequence[NewContact], *, now: datetime, consent_method: str = "api", source: str | None = None
) -> list[Contact]:
    """The contacts of recipients that a request names itself, in their order: created or merged, with consent to e-mail
    recorded by this method, unless it was revoked (DESIGN section 9, 12). Raises Invalid, naming rows and fields.
    """
    said = {
        "email": {"status": "granted", "at": clock.iso(now), "source": source, "method": consent_method}
    }  # fmt: skip
    incoming = []
    for row in rows:
        values = values_of(tenant, row, now, consent_method)
        values["consent"] = consent.merged(said, values.get("consent") or {})
        incoming.append(Incoming(ids.new("con"), values))
    outcomes = write(tenant, incoming, now=now)
    for place, outcome in enumerate(outcomes):
        if outcome.what == "rejected":
            raise Invalid.field(f"[{place}].{outcome.field}", outcome.reason)
    found = {contact.contact_id: contact for contact in model.many(tenant, _ids(outcomes))}
    return [found[outcome.contact_id] for outcome in outcomes if outcome.contact_id in found]


def _ids(outcomes: Sequence[Outcome]) -> list[str]:
    return list(dict.fromkeys(outcome.contact_id for outcome in outcomes if outcome.contact_id))
