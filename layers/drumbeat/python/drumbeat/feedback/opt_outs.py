"""What a recipient changes with the token of a mail: opting out, and the choices of the preference page.

A token names a message, so it says who asks and what brought it about. It never expires: an old mail's link still works
(RFC 8058; CAN-SPAM asks for 30 days at least). Every change is in force when the answer goes out.
"""

from dataclasses import dataclass
from datetime import datetime

from drumbeat import table
from drumbeat.accounts.model import Tenant
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline, message_row
from drumbeat.contacts import changes, consent
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import NO_EVIDENCE, Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel, ContactChange
from drumbeat.errors import NotFound
from drumbeat.feedback import known
from drumbeat.feedback.applying import unite
from drumbeat.feedback.tracking import recipient
from drumbeat.sends import marks, rollups
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.tokens import Target

MOST_REASON = 200
# What a function declares that lets a recipient opt out or choose.
READS = (SendKey, Chunk, Contact, Tenant)
WRITES = (*consent.WRITES, Send, Stat, Timeline)


@dataclass(frozen=True, slots=True)
class Choices:
    """What the preference page was sent with: whether e-mail and SMS are wanted, the language, and whether opens and
    clicks may be recorded (None: as it is)."""

    email: bool
    sms: bool
    language: str | None
    tracking: bool | None = None


def person(target: Target) -> Contact | None:
    """The recipient of a message; None when the contact was deleted."""
    contact_id = recipient(target)
    return contacts.find(target.place[0], contact_id) if contact_id else None


def evidence(target: Target, ip: str, user_agent: str) -> Evidence:
    """What the ledger keeps of a statement that a recipient made with a link of this message."""
    return Evidence("recipient", target.place[1], ip or None, user_agent or None)


def unsubscribe(
    target: Target, *, method: str, reason: str | None, now: datetime, shown: Evidence = NO_EVIDENCE
) -> None:
    """The recipient of this message wants no more marketing by e-mail.

    Twice is once. The opt-out counts for the send that brought it about: a second one, with the link of another mail,
    changes nothing.
    """
    tenant, send_id, _, _ = target.place
    contact = person(target)
    at: datetime | None = now
    if contact is not None:
        at = _revoke(target, contact, method, reason, now, shown)
    if at is None:
        return
    if contact is not None:
        _tell(target, contact, at)
    hour, mark = marks.brief("unsubscribed", target.number, at)
    unite(target.place, {"unsubscribed": {target.number}, hour: {mark}})
    sent = known.send(send_id)
    rollups.request(tenant, send_id, sent.launched_at if sent else None)


def _revoke(
    target: Target, contact: Contact, method: str, reason: str | None, now: datetime, shown: Evidence
) -> datetime | None:
    """When the opt-out of this send was; None when the person had opted out by another way."""
    tenant, send_id, _, _ = target.place
    try:
        recorded = consent.revoke(
            tenant, contact, "email", reason=(reason or "").strip()[:MOST_REASON] or None, method=method,
            source="unsubscribe_link", at=now, cause=send_id, campaign=target.key.campaign, send=send_id,
            evidence=shown,
        )  # fmt: skip
    except NotFound:  # deleted between the two reads
        return None
    return recorded.at if recorded.send == send_id else None


def _tell(target: Target, contact: Contact, at: datetime) -> None:
    tenant, send_id, _, _ = target.place
    sent = known.send(send_id)
    data = frames.email(
        target.key.campaign, contact.external_id or contact.contact_id, contact.email or "", target.message
    )
    row = message_row(
        tenant, contact.contact_id, "unsubscribed", at, send_id, target.key.campaign, target.message, data,
        sent is not None and bool(contact.email),
    )  # fmt: skip
    table.put_many([row])


def wants(contact: Contact, channel: Channel) -> bool:
    """Whether the person has agreed to marketing on the channel."""
    return bool(((contact.consent or {}).get(channel) or {}).get("status") == "granted")


def choose(target: Target, chosen: Choices, *, now: datetime, shown: Evidence = NO_EVIDENCE) -> Contact | None:
    """Apply the choices of the preference page; gives the contact as it is now, None when it was deleted.

    Only what differs from the present is a statement: a channel that nobody was asked about stays unasked.
    """
    contact = person(target)
    if contact is None:
        return None
    tenant, send_id, _, _ = target.place
    if chosen.email != wants(contact, "email"):
        if chosen.email:
            consent.grant(
                tenant, contact, "email", source="preference_page", method="preferences", at=now, evidence=shown
            )
        else:
            unsubscribe(target, method="preferences", reason=None, now=now, shown=shown)
    if contact.phone and chosen.sms != wants(contact, "sms"):
        if chosen.sms:
            consent.grant(
                tenant, contact, "sms", source="preference_page", method="preferences", at=now, evidence=shown
            )
        else:
            consent.revoke(
                tenant, contact, "sms", reason=None, method="preferences", source="preference_page", at=now,
                cause=send_id, campaign=target.key.campaign, send=send_id, evidence=shown,
            )  # fmt: skip
    if chosen.language and chosen.language != contact.language:
        changes.change(tenant, contact.contact_id, ContactChange(language=chosen.language), now)
    if chosen.tracking is not None and chosen.tracking != (contact.tracking is not False):
        changes.change(tenant, contact.contact_id, ContactChange(tracking=chosen.tracking), now)
    return contacts.find(tenant, contact.contact_id)
