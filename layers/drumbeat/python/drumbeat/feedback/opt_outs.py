"""Opting out with the token of a message. The choices of the preference page are in drumbeat.feedback.choosing.

A token names a message, so it says who asks and what brought it about. It never expires: an old mail's link still works
(RFC 8058; CAN-SPAM asks for 30 days at least). Every change is in force when the answer goes out.
"""

from datetime import datetime

from drumbeat import channels, table
from drumbeat.accounts.model import Tenant
from drumbeat.activity import frames
from drumbeat.activity.model import Timeline, message_row
from drumbeat.contacts import consent
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import NO_EVIDENCE, Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel
from drumbeat.errors import NotFound
from drumbeat.feedback import known
from drumbeat.feedback.tracking import recipient
from drumbeat.sends import marks, rollups, stats
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.tokens import Target

MOST_REASON = 200
# What a function declares that lets a recipient opt out or choose.
READS = (SendKey, Chunk, Contact, Tenant)
WRITES = (*consent.WRITES, Send, Stat, Timeline)


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
    stats.unite(target.place, {"unsubscribed": {target.number}, hour: {mark}})
    sent = known.send(send_id)
    rollups.request(tenant, send_id, sent.launched_at if sent else None)


def _revoke(
    target: Target, contact: Contact, method: str, reason: str | None, now: datetime, shown: Evidence
) -> datetime | None:
    """When the opt-out of this send was; None when the person had opted out by another way."""
    tenant, send_id, _, _ = target.place
    sent = known.send(send_id)
    channel = channels.get(sent.channel if sent else "email").consent or "email"
    try:
        recorded = consent.revoke(
            tenant, contact, channel, reason=(reason or "").strip()[:MOST_REASON] or None, method=method,
            source="unsubscribe_link", at=now, cause=send_id, campaign=target.key.campaign, send=send_id,
            evidence=shown,
        )  # fmt: skip
    except NotFound:  # deleted between the two reads
        return None
    return recorded.at if recorded.send == send_id else None


def _tell(target: Target, contact: Contact, at: datetime) -> None:
    tenant, send_id, _, _ = target.place
    sent = known.send(send_id)
    channel = channels.get(sent.channel if sent else "email")
    customer, address = contact.external_id or contact.contact_id, channel.address(contact)
    data = frames.message(channel, target.key.campaign, customer, address or "", target.message)
    row = message_row(
        tenant, contact.contact_id, "unsubscribed", at, send_id, target.key.campaign, target.message, data,
        sent is not None and bool(address), channel=channel.name,
    )  # fmt: skip
    table.put_many([row])


def wants(contact: Contact, channel: Channel) -> bool:
    """Whether the person has agreed to marketing on the channel."""
    return bool(((contact.consent or {}).get(channel) or {}).get("status") == "granted")
