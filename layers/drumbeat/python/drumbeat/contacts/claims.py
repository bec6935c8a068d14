"""What belongs to one contact only: its addresses, and the id that it has elsewhere.

pk                               sk          gsi1pk    gsi1sk
ADDRESS#<tenant>#<address>       ADDRESS     -         -         claims it for one contact
EXTERNAL#<tenant>#<external id>  EXTERNAL    -         -         claims it for one contact
"""

from typing import Any, Protocol

from drumbeat.contacts import addresses
from drumbeat.errors import Conflict, Detail
from drumbeat.table import Entity, UnicodeAttribute


class AddressTaken(Conflict):
    code = "ADDRESS_TAKEN"


class ExternalIdTaken(Conflict):
    code = "EXTERNAL_ID_TAKEN"


class ContactAddress(Entity):
    """Claims an e-mail address (without case) or a telephone number for one contact."""

    TYPE = "ADDRESS"

    contact = UnicodeAttribute()

    @staticmethod
    def key(tenant: str, address: str) -> tuple[str, str]:
        return f"ADDRESS#{tenant}#{addresses.claim(address)}", "ADDRESS"


class ContactExternalId(Entity):
    """Claims an external id for one contact."""

    TYPE = "EXTERNAL"

    contact = UnicodeAttribute()

    @staticmethod
    def key(tenant: str, external_id: str) -> tuple[str, str]:
        return f"EXTERNAL#{tenant}#{external_id}", "EXTERNAL"


Claim = ContactAddress | ContactExternalId


class Claimant(Protocol):
    """A contact, as far as its claims go."""

    tenant: Any
    contact_id: Any
    email: Any
    phone: Any
    external_id: Any


def claims(contact: Claimant) -> list[Claim]:
    """The rows that make a contact's addresses and external id its own."""
    tenant, contact_id = contact.tenant, contact.contact_id
    found: list[Claim] = [
        ContactAddress(*ContactAddress.key(tenant, address), contact=contact_id)
        for address in (contact.email, contact.phone)
        if address
    ]
    if contact.external_id:
        found.append(ContactExternalId(*ContactExternalId.key(tenant, contact.external_id), contact=contact_id))
    return found


def taken(held: list[Claim], found: list[dict[str, Any] | None]) -> Conflict:
    """The refusal of claims that belong to others, with each such field named."""
    fields = [
        _field(row) for row, other in zip(held, found[: len(held)], strict=True) if other and other.get("contact")
    ]
    details = [Detail(field, "belongs to another contact") for field in fields]
    if fields == ["external_id"]:
        return ExternalIdTaken("Another contact has this external_id; change that contact instead.", details)
    return AddressTaken("Another contact has this address; change that contact instead.", details)


def _field(row: Claim) -> str:
    if isinstance(row, ContactExternalId):
        return "external_id"
    return "email" if "@" in row.pk else "phone"
