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
from drumbeat.contacts import addresses, changes, consent, meeting, model, suppressions
from drumbeat.contacts.ledger import Entry, Evidence
from drumbeat.contacts.meeting import Person, Rules
from drumbeat.contacts.model import Claim, Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.views import NewContact
from drumbeat.errors import Invalid
from drumbeat.table import Transaction, TransactionRefused

TRIES = 12
# One action is left for the count.
MOST_ACTIONS = table.MOST_IN_TRANSACTION - 1
CLAIMED = ("external_id", "email", "phone")
# What only a contact that was made before can have.
_OWN = frozenset({Contact.TYPE, Entry.TYPE})

What = Literal["created", "updated", "duplicate", "rejected"]


@dataclass(frozen=True, slots=True)
class Incoming:
    """One row: what it says, by attribute of a contact, normalised; and the id that it gets if it is someone new."""

    contact_id: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `duplicate`: of an earlier row, or of a known person when nothing is to be updated. A row
    that is not rejected can have a field that was left out, with its reason."""

    what: What
    contact_id: str | None
    field: str = ""
    reason: str = ""


def write(tenant: str, rows: Sequence[Incoming], *, now: datetime, rules: Rules | None = None) -> list[Outcome]:
    """Write rows in their order and say what became of each.

    Consent is left out where the address is that of somebody whose data was erased: only the person itself could give
    it again. Reads Suppression; reads and writes `model.WRITES`.
    """
    outcomes: list[Outcome] = []
    while len(outcomes) < len(rows):
        outcomes += _written(tenant, rows[len(outcomes) :], now, rules or Rules())
    return outcomes


def _withheld(tenant: str, rows: Sequence[Incoming]) -> Sequence[Incoming]:
    spoken_for = [row.values[name] for row in rows for name in ("email", "phone") if row.values.get(name)]
    gone = suppressions.erased(tenant, spoken_for)
    return [_without_consent(row, gone) for row in rows] if gone else rows


def _without_consent(row: Incoming, gone: set[str]) -> Incoming:
    channels = {
        channel
        for name, channel in (("email", "email"), ("phone", "sms"))
        if row.values.get(name) and addresses.claim(row.values[name]) in gone
    }
    said = row.values.get("consent")
    if not channels or not said:
        return row
    kept = {channel: one for channel, one in said.items() if channel not in channels or one["status"] == "revoked"}
    return Incoming(row.contact_id, {**row.values, "consent": kept})


def _written(tenant: str, rows: Sequence[Incoming], now: datetime, rules: Rules) -> list[Outcome]:
    """Write rows up to the first that wants an address which one before it gives up: it is free only then."""
    made: set[str] = set()
    for tried in range(TRIES):
        plan = _Plan(tenant, now, rules, made)
        outcomes = plan.resolved(rows)
        if outcomes is not None and plan.committed():
            return outcomes
        # Someone else wrote one of these people at the same time: look again.
        time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
    raise RuntimeError("rows met other writers on every try")


class _Plan:
    """What is to be written for rows, from what was stored a moment ago."""

    def __init__(self, tenant: str, now: datetime, rules: Rules, made: set[str]) -> None:
        self.tenant, self.now, self.rules, self.made = tenant, now, rules, made
        self.evidence = Evidence("import" if rules.origin else "api", rules.origin)
        self.known: dict[str, str] = {}
        self.people: dict[str, Person] = {}
        self.freed: set[str] = set()

    def resolved(self, rows: Sequence[Incoming]) -> list[Outcome] | None:
        """What becomes of the rows (or the first of them); None when what was read does not fit together."""
        keys = {key for row in rows for key in self._keys(row.values).values()}
        self.known = {item["pk"]["S"]: item["contact"]["S"] for item in table.raw_many(sorted(keys))}
        for contact in model.many(self.tenant, dict.fromkeys(self.known.values())):
            self.people[contact.contact_id] = Person(contact.contact_id, contact, {})
        if any(contact_id not in self.people for contact_id in self.known.values()):
            return None
        outcomes = []
        # Behind the contacts: who is erased after this makes the transaction fail.
        for row in _withheld(self.tenant, rows):
            row_keys = self._keys(row.values)
            if not self.freed.isdisjoint(pk for pk, _ in row_keys.values()):
                break
            outcomes.append(self._outcome(row, row_keys))
        return outcomes

    def _keys(self, values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        """The keys of the claims of a row, in the order in which they identify a person."""
        made = {"external_id": ContactExternalId.key, "email": ContactAddress.key, "phone": ContactAddress.key}
        return {name: made[name](self.tenant, values[name]) for name in CLAIMED if values.get(name)}

    def _outcome(self, row: Incoming, keys: Mapping[str, tuple[str, str]]) -> Outcome:
        target = next((self.known[pk] for pk, _ in keys.values() if pk in self.known), None)
        if target == row.contact_id or row.contact_id in self.made:
            return Outcome("created", row.contact_id)
        if target is None:
            values = {name: value for name, value in row.values.items() if value is not None}
            self.people[row.contact_id] = Person(row.contact_id, None, values)
            self.known.update((pk, row.contact_id) for pk, _ in keys.values())
            return Outcome("created", row.contact_id)
        person = self.people[target]
        what: What = "duplicate" if self.rules.made(person) or self.rules.mode == "skip" else "updated"
        if self.rules.mode == "skip":
            return Outcome(what, target)
        return self._met(what, person, row.values, keys)

    def _met(self, what: What, person: Person, said: Mapping[str, Any], keys: Mapping[str, tuple[str, str]]) -> Outcome:
        """What becomes of a row that speaks of a known person."""
        target = person.contact_id
        other = next((name for name, (pk, _) in keys.items() if self.known.get(pk, target) != target), None)
        if self.rules.endpoints and person.value("external_id") not in (None, said.get("external_id")):
            other = other or ("external_id" if "external_id" in said else None)
        if other:
            return Outcome("rejected", target, other, "belongs to another contact than the rest of the row")
        left = meeting.second_address(person, said) if self.rules.endpoints else None
        if left:
            said = meeting.without(said, left)
            keys = {name: key for name, key in keys.items() if name != left}
        try:
            wanted = meeting.merged(person, said, self.rules)
        except Invalid as refusal:
            detail = refusal.details[0]
            return Outcome("rejected", target, detail.field, detail.message)
        self._claim(person, wanted, keys)
        person.wanted.update(wanted)
        return Outcome(what, target, left or "", meeting.NO_ROOM if left else "")

    def _claim(self, person: Person, wanted: Mapping[str, Any], keys: Mapping[str, tuple[str, str]]) -> None:
        """Note what the person claims from this row on, and what they give up for it."""
        before = {name: person.value(name) for name in keys}
        given_up = {pk for name, (pk, _) in self._keys(before).items() if wanted.get(name) and keys[name][0] != pk}
        for pk in given_up:
            self.known.pop(pk, None)
        self.known.update((pk, person.contact_id) for pk, _ in keys.values())
        if person.stored is not None:
            self.freed |= given_up

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

    def _steps(self, person: Person) -> "_Creation | changes.Steps | None":
        if person.stored is None:
            return _Creation(self._contact(person), self.evidence)
        steps = changes.Steps(person.stored, person.wanted, self.now, self.evidence)
        return steps if steps.actions else None

    def _contact(self, person: Person) -> Contact:
        return Contact(
            *Contact.key(self.tenant, person.contact_id),
            gsi1pk=Contact.partition_of(self.tenant, person.contact_id),
            gsi1sk=person.contact_id,
            tenant=self.tenant,
            contact_id=person.contact_id,
            import_id=self.rules.origin,
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
            # A contact that is there under its row's own id was made before, by an earlier try of the same rows; so was
            # one of which only the ledger knows, and since then it was deleted.
            self.made.update(_Creation.made_before(creations, refused.found))
            return False
        return True


class _Creation:
    """What it takes to create a contact."""

    def __init__(self, contact: Contact, evidence: Evidence) -> None:
        self.contact = contact
        self.entry = model.first_entry(contact, evidence)
        self.claims: list[Claim] = model.claims(contact)

    def __len__(self) -> int:
        return 1 + len(self.claims) + (self.entry is not None)

    def into(self, transaction: Transaction) -> None:
        """In this order: the contact, the ledger's entry, the claims."""
        transaction.create(self.contact)
        if self.entry:
            transaction.create(self.entry)
        for row in self.claims:
            transaction.create(row)

    @staticmethod
    def made_before(creations: Mapping[int, str], found: Sequence[Mapping[str, Any] | None]) -> set[str]:
        """Which of the contacts, by their places in a refused transaction, are there, or were."""
        known = {
            contact_id: [item["pk"]["S"] for item in found[place : place + 2] if item]
            for place, contact_id in creations.items()
        }
        return {
            contact_id
            for contact_id, keys in known.items()
            if any(key.endswith(f"#{contact_id}") and key.split("#")[0] in _OWN for key in keys)
        }


def values_of(tenant: str, new: NewContact, now: datetime, method: str | None) -> dict[str, Any]:
    """What a new contact's model says, as the values of a row. Raises Invalid for a number that is none."""
    phone = None if new.phone is None else model.dialled(tenant, new.phone, new.country)
    built = model.build(tenant, new, "", now, phone=phone, method=method)
    values = {name: getattr(built, name) for name in changes.CHANGEABLE}
    return {name: value for name, value in values.items() if value not in (None, {}, set())}


def upsert_named(
    tenant: str, rows: Sequence[NewContact], *, now: datetime, consent_method: str = "api", source: str | None = None,
    channel: str = "email",
) -> list[Contact]:  # fmt: skip
    """The contacts of recipients that a request names itself, in their order: created or merged, with consent to the
    channel recorded by this method, unless it was revoked (DESIGN section 9, 12). Raises Invalid, naming rows and
    fields."""
    said = {
        channel: {"status": "granted", "at": clock.iso(now), "source": source, "method": consent_method}
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
