"""People.

pk                               sk          gsi1pk                       gsi1sk
CONTACT#<tenant>#<id>            CONTACT     CONTACTS#<tenant>#<shard>    <id>
ADDRESS#…, EXTERNAL#…                                                             see drumbeat.contacts.claims
COUNT#<tenant>#contacts          <shard>     -                            -       see drumbeat.counts
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pynamodb.attributes import BinaryAttribute, BooleanAttribute, JSONAttribute, UnicodeSetAttribute

from drumbeat import clock, counts, ids, table
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import addresses, ledger, preferences
from drumbeat.contacts.claims import AddressTaken as AddressTaken
from drumbeat.contacts.claims import Claim as Claim
from drumbeat.contacts.claims import ContactAddress as ContactAddress
from drumbeat.contacts.claims import ContactExternalId as ContactExternalId
from drumbeat.contacts.claims import ExternalIdTaken as ExternalIdTaken
from drumbeat.contacts.claims import claims as claims
from drumbeat.contacts.claims import taken as taken
from drumbeat.contacts.ledger import NO_EVIDENCE, Entry, Evidence
from drumbeat.counts import Count
from drumbeat.errors import Conflict, Invalid, NotFound
from drumbeat.table import (
    ConditionFailed,
    Entity,
    InstantAttribute,
    NumberAttribute,
    Transaction,
    TransactionRefused,
    UnicodeAttribute,
    index,
)

if TYPE_CHECKING:  # most who read contacts have no use for what requests say of them
    from drumbeat.contacts.views import NewConsent, NewContact

SHARDS = 16
KIND = "contacts"


class ContactDeleted(Conflict):
    code = "CONTACT_DELETED"


class CompactJSON(JSONAttribute):
    """JSON as UTF-8 without spaces: an item's size is its price."""

    def serialize(self, value: Any) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Contact(Entity):
    """A person. `consent` is channel → the last statement: status (granted, revoked, or pending and expired while a
    double opt-in is open), at (ISO 8601), source, method. Its history is in the ledger, whose last entry is named here.

    What it prefers beyond that is in `preferences`, see drumbeat.contacts.preferences.
    The facts of purchases (from `lifetime_value` on, in minor units of `currency`) are kept by `activity`.
    `import_id` is the import that made it; `touched_by` the last one that overwrites, or adds endpoints up.
    """

    TYPE = "CONTACT"
    INDEX_TYPES = {"gsi1": "CONTACTS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    contact_id = UnicodeAttribute()
    email = UnicodeAttribute(null=True)
    phone = UnicodeAttribute(null=True)
    push_token = UnicodeAttribute(null=True)
    first_name = UnicodeAttribute(null=True)
    last_name = UnicodeAttribute(null=True)
    external_id = UnicodeAttribute(null=True)
    external_id_is_number = BooleanAttribute(null=True)
    language = UnicodeAttribute(null=True)
    time_zone = UnicodeAttribute(null=True)
    country = UnicodeAttribute(null=True)
    tracking = BooleanAttribute(null=True)
    tags = UnicodeSetAttribute(null=True)
    attributes = CompactJSON(default=dict)
    preferences = CompactJSON(null=True)
    consent = CompactJSON(default=dict)
    consent_entries = NumberAttribute(null=True)
    consent_hash = BinaryAttribute(null=True, legacy_encoding=False)
    lifetime_value = NumberAttribute(null=True)
    currency = UnicodeAttribute(null=True)
    first_purchase_at = InstantAttribute(null=True)
    last_purchase_at = InstantAttribute(null=True)
    total_orders = NumberAttribute(null=True)
    import_id = UnicodeAttribute(null=True)
    touched_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    updated_at = InstantAttribute()

    @staticmethod
    def key(tenant: str, contact_id: str) -> tuple[str, str]:
        return f"CONTACT#{tenant}#{contact_id}", "CONTACT"

    @staticmethod
    def partition(tenant: str, shard: int) -> str:
        """The index partition that lists this shard's contacts in the order of their ids."""
        return f"CONTACTS#{tenant}#{shard}"

    @staticmethod
    def partition_of(tenant: str, contact_id: str) -> str:
        return Contact.partition(tenant, ids.shard(contact_id, SHARDS))


# What a function that creates, alters or deletes contacts declares.
WRITES = (Contact, ContactAddress, ContactExternalId, Count, Entry)


def statement(consent: "NewConsent", now: datetime, method: str | None = None) -> dict[str, Any]:
    """A statement of consent as a contact stores it. One from the future is taken as made now."""
    at = min(consent.at or now, now)
    return {
        "status": consent.status, "at": clock.iso(at), "source": consent.source, "method": consent.method or method
    }  # fmt: skip


def build(
    tenant: str,
    new: "NewContact",
    contact_id: str,
    now: datetime,
    *,
    phone: str | None,
    method: str | None = None,
) -> Contact:
    """The entity of a new contact; `phone` in E.164."""
    return Contact(
        *Contact.key(tenant, contact_id),
        gsi1pk=Contact.partition_of(tenant, contact_id),
        gsi1sk=contact_id,
        tenant=tenant,
        contact_id=contact_id,
        email=new.email,
        phone=phone,
        push_token=new.push_token,
        first_name=new.first_name,
        last_name=new.last_name,
        external_id=None if new.external_id is None else str(new.external_id),
        external_id_is_number=isinstance(new.external_id, int) or None,
        language=new.language,
        time_zone=new.time_zone,
        country=new.country,
        tracking=new.tracking,
        tags=set(new.tags) or None,
        attributes=dict(new.attributes),
        preferences=preferences.first(new.preferences, now),
        consent={channel: statement(said, now, method) for channel, said in new.consent.items()},
        created_at=now,
        updated_at=now,
    )


def add(
    tenant: str,
    new: "NewContact",
    *,
    now: datetime,
    contact_id: str | None = None,
    method: str | None = "api",
    evidence: Evidence = NO_EVIDENCE,
    pending: bool = False,
    also: Callable[[Transaction], None] | None = None,
) -> Contact:
    """Create a contact. With an id that exists already (the same request again) the stored one is given.

    `pending`: its consent to e-mail is to be confirmed; `also` puts what else must be written into the transaction.
    Raises AddressTaken, ExternalIdTaken, ContactDeleted, Invalid, and ConditionFailed when `also` met somebody else's
    write. Reads Tenant; writes `WRITES`.
    """
    contact_id = contact_id or ids.new("con")
    phone = None if new.phone is None else dialled(tenant, new.phone, new.country)
    contact = build(tenant, new, contact_id, now, phone=phone, method=method)
    if pending:
        contact.consent["email"]["status"] = "pending"
    first = first_entry(contact, evidence)
    transaction = Transaction().create(contact)
    held = claims(contact)
    for row in held:
        transaction.create(row)
    counts.into(transaction, tenant, KIND, contact_id, 1)
    if first:
        transaction.create(first)
    if also:
        also(transaction)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if refused.found[0]:
            return Contact.from_raw_data(refused.found[0])
        raise _refusal(held, refused.found) from refused
    return contact


def _refusal(held: list[Claim], found: list[dict[str, Any] | None]) -> Exception:
    """Why a contact was not created: `found` is of the contact, its claims, the count, its first entry, and others."""
    claimed = found[1 : 1 + len(held)]
    if any(claimed):
        return taken(held, claimed)
    if any(item and item["pk"]["S"].startswith(f"{Entry.TYPE}#") for item in found[1:]):
        return ContactDeleted("This request made a contact that was deleted since. Make a new request.")
    return ConditionFailed(None)


def first_entry(contact: Contact, evidence: Evidence) -> Entry | None:
    """The ledger's first entry of a contact that is to be created, noted in it; None when it has said nothing."""
    if not contact.consent:
        return None
    made = ledger.entry(contact, [], evidence)
    contact.consent_entries, contact.consent_hash = made.number, made.hash
    return made


def dialled(tenant: str, phone: str, country: str | None) -> str:
    """E.164 of a number as it was dialled in the contact's country, or in the tenant's. Raises Invalid."""
    try:
        home = country or (None if phone.startswith("+") else home_country(tenant))
        return addresses.phone(phone, home)
    except addresses.BadAddress as error:
        raise Invalid.field("phone", str(error)) from error


def home_country(tenant: str) -> str | None:
    """The country of a tenant's settings: how numbers without one are read."""
    owner = Tenant.fetch(*Tenant.key(tenant), consistent=False)
    found = (owner.settings or {}).get("country") if owner else None
    return str(found) if found else None


def find(tenant: str, contact_id: str) -> Contact | None:
    return Contact.fetch(*Contact.key(tenant, contact_id)) if ids.is_id(contact_id, "con") else None


def get(tenant: str, contact_id: str) -> Contact:
    """Raises NotFound, also for a contact of another tenant."""
    contact = find(tenant, contact_id)
    if contact is None:
        raise NotFound("There is no such contact. List contacts, or look one up by email, phone or external_id.")
    return contact


def named(tenant: str, reference: str) -> Contact:
    """The contact of an id, ours or that of the tenant's own system. Raises NotFound. Reads ContactExternalId,
    Contact."""
    contact = find(tenant, reference) or find_by_external_id(tenant, reference)
    if contact is None:
        raise NotFound("There is no such contact. List contacts, or look one up by email, phone or external_id.")
    return contact


def find_by_email(tenant: str, email: str) -> Contact | None:
    """The contact that claims this address, whatever its case; None for no one's and for what is no address."""
    try:
        return find_by_address(tenant, addresses.email(email))
    except addresses.BadAddress:
        return None


def find_by_address(tenant: str, address: str) -> Contact | None:
    """The contact that claims a normalised address. Reads ContactAddress, Contact."""
    row = ContactAddress.fetch(*ContactAddress.key(tenant, address))
    return find(tenant, row.contact) if row else None


def find_by_external_id(tenant: str, external_id: str | int) -> Contact | None:
    """Reads ContactExternalId, Contact."""
    row = ContactExternalId.fetch(*ContactExternalId.key(tenant, str(external_id)))
    return find(tenant, row.contact) if row else None


def many(tenant: str, contact_ids: Iterable[str]) -> list[Contact]:
    """Those that exist, in the order of the ids."""
    return Contact.many(Contact.key(tenant, contact_id) for contact_id in contact_ids)


def partitions(tenant: str) -> list[str]:
    """The index partitions that list a tenant's contacts."""
    return [Contact.partition(tenant, shard) for shard in range(SHARDS)]


def ids_in(tenant: str, shard: int, *, after: str | None = None, limit: int | None = None) -> Iterator[str]:
    """Ids of a shard's contacts in ascending order, those behind `after` only. Eventually consistent."""
    partition = Contact.partition(tenant, shard)
    place = (*Contact.key(tenant, after), after) if after else None
    for _, _, contact_id in table.keys_in_index(1, partition, after=place, newest_first=False, limit=limit):
        yield contact_id
