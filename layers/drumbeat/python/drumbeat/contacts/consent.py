"""What people said about messages of a channel: the last statement counts, and taking it back works at once."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pynamodb.expressions.update import Action

from drumbeat import clock, table
from drumbeat.contacts import addresses, ledger, model, suppressions
from drumbeat.contacts import unsubscribes as opt_outs
from drumbeat.contacts.ledger import NO_EVIDENCE, Entry, Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.contacts.views import Channel, ConsentStatement
from drumbeat.errors import Conflict
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# What a function that records statements declares.
WRITES = (Contact, Unsubscribe, Suppression, Entry)
# Asked, but not (or not in time) confirmed: a double opt-in.
UNCONFIRMED = frozenset({"pending", "expired"})
# On a statement that waits, or waited in vain: before it the person had opted out.
OPTED_OUT = "opted_out"
# The statement of someone who has confirmed, here or in the caller's own double opt-in.
CONFIRMED = "double_opt_in"


class NewerStatement(Conflict):
    code = "CONSENT_IS_NEWER"


def address_of(contact: Contact, channel: str) -> str | None:
    """Where messages of a channel go."""
    return {"email": contact.email, "sms": contact.phone, "push": contact.push_token}.get(channel)


def may_market(contact: Contact, channel: str, suppression: Suppression | None) -> str | None:
    """Why this contact must not get marketing on the channel: `no_address`, `suppressed:<reason>`, `no_consent`,
    `not_confirmed`, `revoked`; None when it may. Silence is not consent, and a form that anybody can fill in is
    neither."""
    return _said(contact, channel, suppression) if address_of(contact, channel) else "no_address"


def _said(contact: Contact, channel: str, suppression: Suppression | None) -> str | None:
    if suppression is not None:
        return f"suppressed:{suppression.reason}"
    said = (contact.consent or {}).get(channel)
    if said is None:
        return "no_consent"
    if said.get("status") in UNCONFIRMED:
        return "not_confirmed"
    return None if said.get("status") == "granted" else "revoked"


def obstacle(
    contact: Contact, address: str | None, consent: str | None, purpose: str, suppression: Suppression | None
) -> str | None:
    """Why no message may go to this address of a contact now, as `may_market` says it; None when it may.

    What is `transactional` (a receipt, a reset) asks only whether the address takes anything at all: a suppression of
    scope `all`. A channel without a kind of `consent` leads to the tenant's own systems.
    """
    if not address:
        return "no_address"
    if consent is None:
        return None
    if purpose == "transactional":
        return f"suppressed:{suppression.reason}" if suppression and suppression.scope == "all" else None
    return _said(contact, consent, suppression)


def merged(stored: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Consents after a file or a list of recipients said something: what was revoked stays revoked, and what was
    granted keeps its first evidence. Only a statement of the person itself (`grant`) opens a channel again; one that
    waits to be confirmed is also opened by a confirmation that was given elsewhere."""
    after = dict(stored)
    for channel, statement in said.items():
        held = after.get(channel)
        if held is None or _overrules(statement, held):
            after[channel] = statement
    return after


def _overrules(statement: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    if statement.get("status") == "revoked":
        return held.get("status") != "revoked"
    elsewhere = statement.get("method") == CONFIRMED or statement.get("confirmed")
    confirmed = statement.get("status") == "granted" and bool(elsewhere)
    return confirmed and held.get("status") in UNCONFIRMED and not opted_out(held)


def opted_out(held: Mapping[str, Any] | None) -> bool:
    """Whether the last thing that the person itself said is no: a request to confirm, which anybody can bring about,
    does not change that."""
    return held is not None and (held.get("status") == "revoked" or bool(held.get(OPTED_OUT)))


def record(tenant: str, contact_id: str, said: ConsentStatement, now: datetime, evidence: Evidence) -> Contact:
    """Record a statement. One that says what is on record already, at no time of its own, is the same statement again.

    Raises NotFound, and NewerStatement when a later one is known.
    """
    contact = model.get(tenant, contact_id)
    check_newest(contact, said)
    at, method = min(said.at or now, now), said.method or "api"
    if said.status == "granted":
        return grant(
            tenant, contact, said.channel, source=said.source, method=method, at=at, evidence=evidence,
            dated=said.at is not None,
        )  # fmt: skip
    revoke(
        tenant, contact, said.channel, reason=None, method=method, source=said.source, at=at,
        cause=evidence.cause or "", evidence=evidence,
    )  # fmt: skip
    return model.get(tenant, contact_id)


def check_newest(contact: Contact, said: ConsentStatement) -> None:
    """Raises NewerStatement when a later statement is on record than the one that is said."""
    held = (contact.consent or {}).get(said.channel)
    if held and said.at and clock.iso(said.at) < held["at"]:
        raise NewerStatement("A later statement for this channel is on record; leave `at` out to make one now.")


def grant(
    tenant: str,
    contact: Contact,
    channel: Channel,
    *,
    source: str | None,
    method: str,
    at: datetime,
    evidence: Evidence = NO_EVIDENCE,
    dated: bool = True,
) -> Contact:
    """The person agreed. An earlier opt-out of the address (not a bounce or complaint) no longer stands.

    `dated`: the person said when. Otherwise `at` is only when we heard it, and a statement like the one on record is
    that one, heard again. Raises NotFound.
    """
    said = {"status": "granted", "at": clock.iso(at), "source": source, "method": method}

    def once() -> Contact:
        current = model.get(tenant, contact.contact_id)
        lifted = opt_out_before(current, channel, at)
        if lifted is None and repeats(said, (current.consent or {}).get(channel), dated=dated):
            return current
        transaction = Transaction()
        state_into(transaction, current, channel, said, at, evidence)
        lift_into(transaction, lifted)
        commit(transaction)
        return model.get(tenant, contact.contact_id)

    return table.retried(once)


def repeats(said: Mapping[str, Any], held: Mapping[str, Any] | None, *, dated: bool) -> bool:
    """Whether a statement is the one on record, said again."""
    if held is None:
        return False
    return all(said[name] == held.get(name) for name in ("status", "source", "method", *(["at"] if dated else [])))


def opt_out_before(contact: Contact, channel: str, at: datetime) -> Suppression | None:
    """The suppression of the contact's address that a consent of this moment takes back: an opt-out's, no bounce's."""
    address = address_of(contact, channel)
    held = suppressions.find(contact.tenant, address) if address and channel != "push" else None
    return held if held and held.reason == "unsubscribed" and held.at <= at else None


def lift_into(transaction: Transaction, held: Suppression | None) -> None:
    """Put the end of an opt-out's suppression into a transaction."""
    if held is not None:
        transaction.delete(Suppression, held.pk, held.sk, Suppression.reason == "unsubscribed")


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
    evidence: Evidence | None = None,
) -> Unsubscribe:
    """The person wants no more messages of the channel: a contact, or whoever has an e-mail address or a telephone
    number (E.164).

    Idempotent by `at` and `cause`; a contact that has opted out already stays as it is. An address that no contact has
    is suppressed, so that it is honoured when one comes. Gives the opt-out on record.
    """
    contact = _owner(tenant, who) if isinstance(who, str) else who
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
    shown = evidence or Evidence(cause=cause)
    return table.retried(lambda: _revoke(tenant, contact.contact_id, facts, at, cause, shown))


def _owner(tenant: str, address: str) -> Contact | None:
    known = model.find_by_address if address.startswith("+") else model.find_by_email
    return known(tenant, address)


def _revoke(
    tenant: str, contact_id: str, facts: Mapping[str, Any], at: datetime, cause: str, evidence: Evidence
) -> Unsubscribe:
    contact, channel = model.get(tenant, contact_id), facts["channel"]
    held = (contact.consent or {}).get(channel) or {}
    already = held.get("status") == "revoked"
    if already:
        recorded = opt_outs.last(tenant, contact_id, channel)
        if recorded and clock.iso(recorded.at) >= held["at"]:
            return recorded
    row = Unsubscribe(
        *Unsubscribe.key(tenant, contact_id, at, _named(cause, channel)),
        gsi1pk=Unsubscribe.listing(tenant, channel),
        gsi1sk=clock.iso(at),
        contact=contact_id,
        address=address_of(contact, channel),
        customer=contact.external_id,
        bus=_told(facts),
        at=at,
        **facts,
    )
    said = {"status": "revoked", "at": clock.iso(at), "source": facts["source"], "method": facts["method"]}
    transaction = Transaction().create(row)
    state_into(transaction, contact, channel, said, at, evidence)
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if refused.found[0]:
            return Unsubscribe.from_raw_data(refused.found[0])
        raise ConditionFailed(refused.found[1]) from refused
    return row


def _named(cause: str, channel: str) -> str:
    """What names an opt-out: one answer may be about several channels, and each is an opt-out of its own."""
    return cause if channel == "email" else f"{cause}:{channel}"


def _unknown(tenant: str, said: str, facts: Mapping[str, Any], at: datetime) -> Unsubscribe:
    address = addresses.any_address(said)
    channel = facts["channel"]
    recorded = Unsubscribe.fetch(*Unsubscribe.key_of_address(tenant, address, channel))
    held = suppressions.find(tenant, address)
    if recorded and held:
        return recorded
    row = Unsubscribe(
        *Unsubscribe.key_of_address(tenant, address, channel),
        gsi1pk=Unsubscribe.listing(tenant, channel),
        gsi1sk=clock.iso(at),
        address=address,
        bus=_told(facts),
        at=at,
        **facts,
    )
    if held and held.reason == suppressions.ERASED:
        return row  # it gets nothing already, and is not to be written down again
    transaction = Transaction()
    suppressions.into(
        transaction, suppressions.build(tenant, address, "marketing", "unsubscribed", facts["source"], at)
    )
    # Put over an older one: an opt-out after the suppression was lifted must stand, too.
    transaction.put(row)
    transaction.commit()
    return row


def _told(facts: Mapping[str, Any]) -> int | None:
    """Whether an opt-out is an event of its own: one by a mail is told with the mail's message."""
    return 1 if facts["channel"] == "email" and facts["send"] is None else None


def state_into(
    transaction: Transaction,
    contact: Contact,
    channel: str,
    said: Mapping[str, Any],
    at: datetime,
    evidence: Evidence,
) -> None:
    """Put a statement into the contact, if nobody wrote it since it was read, and into the ledger."""
    consent = {**(contact.consent or {}), channel: dict(said)}
    made = ledger.entry(contact, [{"channel": channel, **said}], evidence)
    actions = [Contact.consent.set(consent), Contact.updated_at.set(max(at, contact.updated_at)), *recorded(made)]
    transaction.update(Contact, contact.pk, contact.sk, actions, contact.unchanged()).create(made)


def recorded(made: Entry) -> list[Action]:
    """What notes the ledger's entry in its contact."""
    return [Contact.consent_entries.set(made.number), Contact.consent_hash.set(made.hash)]


def commit(transaction: Transaction) -> None:
    """Raises ConditionFailed when something of it was changed meanwhile."""
    try:
        transaction.commit()
    except TransactionRefused as refused:
        raise ConditionFailed(None) from refused
