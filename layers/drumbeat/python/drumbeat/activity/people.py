"""Whose events a batch has: references become contacts in a few reads, whatever the batch's size."""

from collections.abc import Iterable
from datetime import datetime

from drumbeat.activity.views import ContactReference
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.views import NewContact


def find(tenant: str, references: Iterable[ContactReference]) -> dict[ContactReference, Contact]:
    """The contacts behind the references; one that is no one's is left out. Reads the three entities of contacts."""
    wanted = list(dict.fromkeys(references))
    by_email = {who: ContactAddress.key(tenant, who.email) for who in wanted if who.email is not None}
    by_external = {
        who: ContactExternalId.key(tenant, str(who.external_id)) for who in wanted if who.external_id is not None
    }
    claimed = {
        **{(row.pk, row.sk): row.contact for row in ContactAddress.many(by_email.values())},
        **{(row.pk, row.sk): row.contact for row in ContactExternalId.many(by_external.values())},
    }
    ids = {who: who.contact_id or claimed.get((by_email | by_external).get(who, ("", ""))) for who in wanted}
    found = {row.contact_id: row for row in contacts.many(tenant, dict.fromkeys(id_ for id_ in ids.values() if id_))}
    return {who: found[id_] for who, id_ in ids.items() if id_ in found}


def created(tenant: str, email: str, now: datetime) -> Contact:
    """The contact of an address that was no one's. It has no consent: an event is not an agreement to get mail."""
    try:
        return contacts.add(tenant, NewContact(email=email), now=now)
    except contacts.AddressTaken:
        found = contacts.find_by_email(tenant, email)
        if found is None:
            raise
        return found
