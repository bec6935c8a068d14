"""Changing and deleting contacts. What a contact claims moves in the same transaction as the contact itself."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pynamodb.expressions.update import Action

from drumbeat import counts, table
from drumbeat.contacts import ledger, model, preferences, suppressions
from drumbeat.contacts.consent import opted_out, recorded
from drumbeat.contacts.ledger import NO_EVIDENCE, Evidence
from drumbeat.contacts.model import Claim, Contact
from drumbeat.contacts.views import MOST_TAGS, ContactChange, TagChange, named
from drumbeat.errors import Invalid
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

MOST_BYTES = 65_536
PLAIN = ("email", "push_token", "first_name", "last_name", "language", "time_zone", "country", "tracking")
# What of a contact a request, a file or a list of recipients can set.
CHANGEABLE = (*PLAIN, "phone", "external_id", "external_id_is_number", "tags", "attributes", "preferences", "consent")


def change(tenant: str, contact_id: str, said: ContactChange, now: datetime) -> Contact:
    """Merge what the request says into the contact. Raises NotFound, AddressTaken, ExternalIdTaken, Invalid."""

    def once() -> Contact:
        contact = model.get(tenant, contact_id)
        return store(contact, _wanted(contact, said, now), now)

    return table.retried(once)


def change_tags(tenant: str, contact_id: str, said: TagChange, now: datetime) -> Contact:
    """Add and remove tags. Raises NotFound, Invalid."""

    def once() -> Contact:
        contact = model.get(tenant, contact_id)
        tags = ((contact.tags or set()) | set(said.add)) - set(said.remove)
        if len(tags) > MOST_TAGS:
            raise Invalid.field("add", f"a contact has at most {MOST_TAGS} tags")
        return store(contact, {"tags": tags or None}, now)

    return table.retried(once)


def _wanted(contact: Contact, said: ContactChange, now: datetime) -> dict[str, Any]:
    """The values that the contact is to have, by attribute."""
    wanted = {name: getattr(said, name) for name in PLAIN if name in said.model_fields_set}
    if "phone" in said.model_fields_set:
        country = said.country if "country" in said.model_fields_set else contact.country
        wanted["phone"] = said.phone and model.dialled(contact.tenant, said.phone, country)
    if "external_id" in said.model_fields_set:
        wanted["external_id"] = None if said.external_id is None else str(said.external_id)
        wanted["external_id_is_number"] = isinstance(said.external_id, int) or None
    if "tags" in said.model_fields_set:
        wanted["tags"] = set(said.tags or ()) or None
    if "attributes" in said.model_fields_set:
        wanted["attributes"] = merged(contact.attributes or {}, said.attributes)
    if "preferences" in said.model_fields_set:
        wanted["preferences"] = preferences.changed(contact, said.preferences, now)
    return wanted


def merged(stored: Mapping[str, Any], said: Mapping[str, Any] | None) -> dict[str, Any]:
    """Attributes after a change: null removes one, null for all removes all. Raises Invalid when they are too many."""
    if said is None:
        return {}
    after = {name: value for name, value in {**stored, **said}.items() if value is not None}
    try:
        named(after)
    except ValueError as error:
        raise Invalid.field("attributes", f"{error}, with those that the contact has") from error
    if len(json.dumps(after, ensure_ascii=False).encode("utf-8", "surrogatepass")) > MOST_BYTES:
        raise Invalid.field("attributes", "must be at most 64 KB of JSON, with those that the contact has")
    return after


def store(contact: Contact, wanted: Mapping[str, Any], now: datetime) -> Contact:
    """Give the contact these values, if nobody changed it since it was read. What changes nothing writes nothing.

    Raises ConditionFailed when somebody did, AddressTaken and ExternalIdTaken.
    """
    steps = Steps(contact, wanted, now)
    if not steps.actions:
        return contact
    if not steps.claimed and not steps.freed and steps.entry is None:
        contact.change(*steps.actions, unchanged=True)
        return contact
    transaction = Transaction()
    steps.into(transaction)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if any(other and other.get("contact") for other in refused.found[1 : 1 + len(steps.claimed)]):
            raise model.taken(steps.claimed, refused.found[1:]) from refused
        raise ConditionFailed(refused.found[0]) from refused
    return model.get(contact.tenant, contact.contact_id)


class Steps:
    """What it takes to give a contact other values: an update, claims that it makes, claims that it gives up, and the
    ledger's entry where consent is among them."""

    def __init__(
        self, contact: Contact, wanted: Mapping[str, Any], now: datetime, evidence: Evidence = NO_EVIDENCE
    ) -> None:
        self.contact = contact
        different = {name: value for name, value in wanted.items() if getattr(contact, name) != value}
        self.actions: list[Action] = [
            getattr(Contact, name).set(value) if value is not None else getattr(Contact, name).remove()
            for name, value in different.items()
        ]
        if self.actions:
            self.actions.append(Contact.updated_at.set(now))
        values = {name: different.get(name, getattr(contact, name)) for name in ("email", "phone", "external_id")}
        before = model.claims(contact)
        after_it = Contact(
            tenant=contact.tenant, contact_id=contact.contact_id, consent=contact.consent,
            consent_entries=contact.consent_entries, consent_hash=contact.consent_hash, **values,
        )  # fmt: skip
        after = model.claims(after_it)
        held, kept = {row.pk for row in before}, {row.pk for row in after}
        self.claimed = [row for row in after if row.pk not in held]
        self.freed = [row for row in before if row.pk not in kept]
        self.entry = None
        if "consent" in different:
            statements = ledger.said(contact.consent or {}, different["consent"] or {})
            self.entry = ledger.entry(after_it, statements, evidence)
            self.actions += recorded(self.entry)

    def __len__(self) -> int:
        return 1 + len(self.claimed) + len(self.freed) + (self.entry is not None)

    def into(self, transaction: Transaction) -> None:
        """In this order: the contact, its new claims, its old ones, the entry."""
        contact = self.contact
        transaction.update(Contact, contact.pk, contact.sk, self.actions, contact.unchanged())
        for row in self.claimed:
            transaction.create(row)
        free(transaction, self.freed, contact.contact_id)
        if self.entry:
            transaction.create(self.entry)


def free(transaction: Transaction, rows: Iterable[Claim], contact_id: str) -> None:
    """Give claims up, if they are this contact's (or no one's)."""
    for row in rows:
        model_of: type[Claim] = type(row)
        mine = (model_of.contact == contact_id) | model_of.contact.does_not_exist()
        transaction.delete(model_of, row.pk, row.sk, mine)


def delete(tenant: str, contact_id: str, now: datetime, evidence: Evidence = NO_EVIDENCE) -> None:
    """Delete the contact and free its addresses and external id. Suppressions stay, and an opt-out becomes one, so that
    the same address, imported again, still gets nothing. The ledger keeps its entries and says that it ends. Raises
    NotFound."""

    def once() -> Contact:
        contact = model.get(tenant, contact_id)
        transaction = Transaction().delete(Contact, contact.pk, contact.sk, contact.unchanged())
        free(transaction, model.claims(contact), contact_id)
        counts.into(transaction, tenant, model.KIND, contact_id, -1)
        for channel, address in (("email", contact.email), ("sms", contact.phone)):
            if address and opted_out((contact.consent or {}).get(channel)):
                row = suppressions.build(tenant, address, "marketing", "unsubscribed", "deleted contact", now)
                suppressions.into(transaction, row)
        if contact.consent:
            transaction.create(ledger.entry(contact, [], evidence, ends="deleted"))
        try:
            transaction.commit()
        except TransactionRefused as refused:
            raise ConditionFailed(refused.found[0]) from refused
        return contact

    table.retried(once)
