"""Contacts as the API shows them, and lists of them."""

from drumbeat import counts, lists, money
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import addresses, model, preferences
from drumbeat.contacts.model import Contact, ContactAddress, ContactExternalId
from drumbeat.contacts.views import ConsentView, ContactQuery, ContactView
from drumbeat.counts import Count
from drumbeat.fields import Page

# What a function that lists contacts declares.
READS = (Contact, ContactAddress, ContactExternalId, Count, Tenant)


def view(contact: Contact) -> ContactView:
    """What the API shows of a contact."""
    currency = contact.currency or "USD"
    spent, orders = int(contact.lifetime_value or 0), int(contact.total_orders or 0)
    external: int | str | None = contact.external_id
    if contact.external_id and contact.external_id_is_number:
        external = int(contact.external_id)
    return ContactView(
        id=contact.contact_id,
        email=contact.email,
        phone=contact.phone,
        push_token=contact.push_token,
        first_name=contact.first_name,
        last_name=contact.last_name,
        external_id=external,
        language=contact.language,
        time_zone=contact.time_zone,
        country=contact.country,
        tracking=contact.tracking is not False,
        tags=sorted(contact.tags or ()),
        attributes=contact.attributes or {},
        preferences=preferences.view(contact),
        consent={channel: ConsentView.model_validate(said) for channel, said in (contact.consent or {}).items()},
        customer_lifetime_value=money.shown(spent, currency),
        currency=contact.currency,
        total_orders=orders,
        avg_order_value=money.shown(round(spent / orders), currency) if orders else 0,
        first_purchase_at=contact.first_purchase_at,
        last_purchase_at=contact.last_purchase_at,
        created_at=contact.created_at,
        updated_at=contact.updated_at,
    )


def page(tenant: str, query: ContactQuery) -> Page[ContactView]:
    """Contacts in the order of their ids, newest first (those of imports have ids without a time).

    Addresses and external ids are looked up; several filters must all hold. Reads `READS`.
    """
    if query.email is not None or query.phone is not None or query.external_id is not None:
        found = [contact for contact in _looked_up(tenant, query) if _has(contact, query)]
        return Page(items=[view(contact) for contact in found], total_count=len(found), limit=query.limit)
    kept = None if query.tag is None else lambda contact: _has(contact, query)
    listed = lists.page(
        Contact, model.partitions(tenant), query, total=lambda: counts.total(tenant, model.KIND), keep=kept
    )
    return lists.shown(listed, view)


def _looked_up(tenant: str, query: ContactQuery) -> list[Contact]:
    if query.email is not None:
        found = model.find_by_email(tenant, query.email)
    elif query.external_id is not None:
        found = model.find_by_external_id(tenant, query.external_id.strip())
    else:
        found = model.find_by_address(tenant, number) if (number := _number(tenant, query)) else None
    return [found] if found else []


def _has(contact: Contact, query: ContactQuery) -> bool:
    """Whether the contact is as all filters say."""
    return (
        (query.email is None or addresses.claim(contact.email or "") == _folded(query.email))
        and (query.external_id is None or contact.external_id == query.external_id.strip())
        and (query.phone is None or contact.phone == _number(contact.tenant, query))
        and (query.tag is None or query.tag in (contact.tags or ()))
    )


def _folded(email: str) -> str | None:
    try:
        return addresses.claim(addresses.email(email))
    except addresses.BadAddress:
        return None


def _number(tenant: str, query: ContactQuery) -> str | None:
    """The asked number in E.164; None for what is no number, which nobody has."""
    text = addresses.asked_phone(query.phone or "")
    try:
        return addresses.phone(text, None if text.startswith("+") else model.home_country(tenant))
    except addresses.BadAddress:
        return None
