"""What a recipient changes with the token of a mail: opting out, and the choices of the preference page.

A token names a message, so it says who asks and what brought it about. It never expires: an old mail's link still works
(RFC 8058; CAN-SPAM asks for 30 days at least). Every change is in force when the answer goes out.
"""

from dataclasses import dataclass
from datetime import datetime

from drumbeat import table
from drumbeat.activity import frames
from drumbeat.activity.model import message_row
from drumbeat.contacts import changes, consent
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel, ContactChange
from drumbeat.errors import NotFound
from drumbeat.feedback import known
from drumbeat.feedback.applying import unite
from drumbeat.feedback.tracking import recipient
from drumbeat.sends import rollups
from drumbeat.sends.tokens import Target

MOST_REASON = 200


@dataclass(frozen=True, slots=True)
class Choices:
    """What the preference page was sent with: whether e-mail and SMS are wanted, and the language (None: as it is)."""

    email: bool
    sms: bool
    language: str | None


def person(target: Target) -> Contact | None:
    """The recipient of a message; None when the contact was deleted."""
    contact_id = recipient(target)
    return contacts.find(target.place[0], contact_id) if contact_id else None


def unsubscribe(target: Target, *, method: str, reason: str | None, now: datetime) -> None:
    """The recipient of this message wants no more marketing by e-mail.

    Twice is once. The opt-out counts for the send that brought it about: a second one, with the link of another mail,
    changes nothing.
    """
    tenant, send_id, _, _ = target.place
    contact = person(target)
    at: datetime | None = now
    if contact is not None:
        at = _revoke(target, contact, method, reason, now)
    if at is None:
        return
    if contact is not None:
        _tell(target, contact, at)
    unite(target.place, {"unsubscribed": {target.number}})
    sent = known.send(send_id)
    rollups.request(tenant, send_id, sent.launched_at if sent else None)


def _revoke(target: Target, contact: Contact, method: str, reason: str | None, now: datetime) -> datetime | None:
    """When the opt-out of this send was; None when the person had opted out by another way."""
    tenant, send_id, _, _ = target.place
    try:
        recorded = consent.revoke(
            tenant, contact, "email", reason=(reason or "").strip()[:MOST_REASON] or None, method=method,
            source="unsubscribe_link", at=now, cause=send_id, campaign=target.key.campaign, send=send_id,
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
        sent is not None and sent.publish and bool(contact.email),
    )  # fmt: skip
    table.put_many([row])


def wants(contact: Contact, channel: Channel) -> bool:
    """Whether the person has agreed to marketing on the channel."""
    return bool(((contact.consent or {}).get(channel) or {}).get("status") == "granted")


def choose(target: Target, chosen: Choices, *, now: datetime) -> Contact | None:
    """Apply the choices of the preference page; gives the contact as it is now, None when it was deleted.

    Only what differs from the present is a statement: a channel that nobody was asked about stays unasked.
    """
    contact = person(target)
    if contact is None:
        return None
    tenant, send_id, _, _ = target.place
    if chosen.email != wants(contact, "email"):
        if chosen.email:
            consent.grant(tenant, contact, "email", source="preference_page", method="preferences", at=now)
        else:
            unsubscribe(target, method="preferences", reason=None, now=now)
    if contact.phone and chosen.sms != wants(contact, "sms"):
        if chosen.sms:
            consent.grant(tenant, contact, "sms", source="preference_page", method="preferences", at=now)
        else:
            consent.revoke(
                tenant, contact, "sms", reason=None, method="preferences", source="preference_page", at=now,
                cause=send_id, campaign=target.key.campaign, send=send_id,
            )  # fmt: skip
    if chosen.language and chosen.language != contact.language:
        changes.change(tenant, contact.contact_id, ContactChange(language=chosen.language), now)
    return contacts.find(tenant, contact.contact_id)
