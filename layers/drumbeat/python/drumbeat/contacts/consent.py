"""What people said about messages of a channel: the last statement counts, and taking it back works at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock, table
from drumbeat.contacts import addresses, model, suppressions
from drumbeat.contacts import unsubscribes as opt_outs
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.contacts.views import Channel, ConsentStatement
from drumbeat.errors import Conflict
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# What a function that records statements declares.
WRITES = (Contact, Unsubscribe, Suppression)


class NewerStatement(Conflict):
    code = "CONSENT_IS_NEWER"


def address_of(contact: Contact, channel: str) -> str | None:
    """Where messages of a channel go."""
    return {"email": contact.email, "sms": contact.phone, "push": contact.push_token}.get(channel)


def may_market(contact: Contact, channel: str, suppression: Suppression | None) -> str | None:
    """Why this contact must not get marketing on the channel: `no_address`, `suppressed:<reason>`, `revoked`,
    `no_consent`; None when it may. Silence is not consent."""
    if not address_of(contact, channel):
        return "no_address"
    if suppression is not None:
        return f"suppressed:{suppression.reason}"
    said = (contact.consent or {}).get(channel)
    if said is None:
        return "no_consent"
    return None if said.get("status") == "granted" else "revoked"


def merged(stored: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Consents after a file or a list of recipients said something: what was revoked stays revoked, and what was
    granted keeps its first evidence. Only a statement of the person itself (`grant`) opens a channel again."""
    after = dict(stored)
    for channel, statement in said.items():
        held = after.get(channel)
        if held is None or (held.get("status") == "granted" and statement.get("status") == "revoked"):
            after[channel] = statement
    return after


def record(tenant: str, contact_id: str, said: ConsentStatement, now: datetime, cause: str) -> Contact:
    """Record a statement. Raises NotFound, and NewerStatement when a later one is known."""
    contact = model.get(tenant, contact_id)
    held = (contact.consent or {}).get(said.channel)
    if held and said.at and clock.iso(said.at) < held["at"]:
        raise NewerStatement("A later statement for this channel is on record; leave `at` out to make one now.")
    at, method = min(said.at or now, now), said.method or "api"
    if said.status == "granted":
        return grant(tenant, contact, said.channel, source=said.source, method=method, at=at)
    revoke(tenant, contact, said.channel, reason=None, method=method, source=said.source, at=at, cause=cause)
    return model.get(tenant, contact_id)


def grant(tenant: str, contact: Contact, channel: Channel, *, source: str | None, method: str, at: datetime) -> Contact:
    """The person agreed. An earlier opt-out of the address (not a bounce or complaint) no longer stands."""
    said = {"status": "granted", "at": clock.iso(at), "source": source, "method": method}

    def once() -> Contact:
        current = model.get(tenant, contact.contact_id)
        transaction = Transaction()
        _state(transaction, current, channel, said, at)
        address = address_of(current, channel)
        held = suppressions.find(tenant, address) if address and channel != "push" else None
        if held and held.reason == "unsubscribed" and held.at <= at:
            transaction.delete(Suppression, held.pk, held.sk, Suppression.reason == "unsubscribed")
        _commit(transaction)
        return model.get(tenant, contact.contact_id)

    return table.retried(once)


def revoke(
    tenant: str,
    who: Contact | str,
    channel: Channel,
    *,
    reason: str | None,
    method: str,
    source: str | None,
    at: datetime,
    cause: str,
    campaign: str | None = None,
    send: str | None = None,
) -> Unsubscribe:
    """The person wants no more messages of the channel: a contact, or whoever has an e-mail address.

    Idempotent by `at` and `cause`; a contact that has opted out already stays as it is. An address that no contact has
    is suppressed, so that it is honoured when one comes. Gives the opt-out on record.
    """
    contact = model.find_by_email(tenant, who) if isinstance(who, str) else who
    facts = {
        "channel": channel,
        "reason": reason,
        "method": method,
        "source": source,
        "campaign": campaign,
        "send": send,
    }
    if contact is None:
        return _unknown(tenant, str(who), facts, at)
    return table.retried(lambda: _revoke(tenant, contact.contact_id, facts, at, cause))


def _revoke(tenant: str, contact_id: str, facts: Mapping[str, Any], at: datetime, cause: str) -> Unsubscribe:
    contact, channel = model.get(tenant, contact_id), facts["channel"]
    held = (contact.consent or {}).get(channel) or {}
    already = held.get("status") == "revoked"
    if already:
        recorded = opt_outs.last(tenant, contact_id, channel)
        if recorded and clock.iso(recorded.at) >= held["at"]:
            return recorded
    row = Unsubscribe(
        *Unsubscribe.key(tenant, contact_id, at, cause),
        gsi1pk=Unsubscribe.listing(tenant, channel),
        gsi1sk=clock.iso(at),
        contact=contact_id,
        address=address_of(contact, channel),
        at=at,
        **facts,
    )
    said = {"status": "revoked", "at": clock.iso(at), "source": facts["source"], "method": facts["method"]}
    transaction = Transaction().create(row)
    _state(transaction, contact, channel, said, at)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if refused.found[0]:
            return Unsubscribe.from_raw_data(refused.found[0])
        raise ConditionFailed(refused.found[1]) from refused
    return row


def _unknown(tenant: str, email: str, facts: Mapping[str, Any], at: datetime) -> Unsubscribe:
    address = addresses.claim(addresses.email(email))
    channel = facts["channel"]
    recorded = Unsubscribe.fetch(*Unsubscribe.key_of_address(tenant, address, channel))
    if recorded and suppressions.find(tenant, address):
        return recorded
    row = Unsubscribe(
        *Unsubscribe.key_of_address(tenant, address, channel),
        gsi1pk=Unsubscribe.listing(tenant, channel),
        gsi1sk=clock.iso(at),
        address=address,
        at=at,
        **facts,
    )
    transaction = Transaction()
    suppressions.into(
        transaction, suppressions.build(tenant, address, "marketing", "unsubscribed", facts["source"], at)
    )
    # Put over an older one: an opt-out after the suppression was lifted must stand, too.
    transaction.put(row)
    transaction.commit()
    return row


def _state(transaction: Transaction, contact: Contact, channel: str, said: Mapping[str, Any], at: datetime) -> None:
    """Put a statement into the contact, if nobody wrote it since it was read."""
    consent = {**(contact.consent or {}), channel: dict(said)}
    actions = [Contact.consent.set(consent), Contact.updated_at.set(max(at, contact.updated_at))]
    transaction.update(Contact, contact.pk, contact.sk, actions, unchanged(contact))


def unchanged(contact: Contact) -> Any:
    """The condition that nobody wrote the contact since this copy was read."""
    same = Contact.attempt == contact.attempt if contact.attempt else Contact.attempt.does_not_exist()
    return Contact.pk.exists() & same


def _commit(transaction: Transaction) -> None:
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise ConditionFailed(None) from refused
