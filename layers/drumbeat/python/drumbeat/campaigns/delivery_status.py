"""What became of one recipient's message: asked for by telephone number, e-mail address or contact."""

from datetime import datetime
from typing import Any, Self

from pydantic import model_validator

from drumbeat import clock, table
from drumbeat.accounts.model import Tenant
from drumbeat.activity.model import Timeline
from drumbeat.campaigns.model import Campaign
from drumbeat.contacts import addresses
from drumbeat.contacts import model as contacts
from drumbeat.contacts.claims import ContactAddress
from drumbeat.contacts.model import Contact
from drumbeat.errors import Invalid, NotFound
from drumbeat.fields import Body, FieldNeeded, Instant, View
from drumbeat.sends import destinations, domains, finding
from drumbeat.sends.model import REASONS, Chunk, Outcome, Send, Stat
from drumbeat.sends.moment import looking

READS = (Contact, ContactAddress, Tenant, Send, Chunk, Stat, Timeline)
# What is known of a message that was sent, the last word first.
_LAST_WORDS = (
    ("delivered", "delivered"), ("bounced", "undelivered"), ("failed", "undelivered"), ("soft_bounced", "undelivered"),
)  # fmt: skip
MOST_ROWS = 500


class DeliveryStatusQuery(Body):
    """Whose message: one of `phone` (where `+` may arrive as a space), `email` and `contact_id`."""

    phone: str | None = None
    email: str | None = None
    contact_id: str | None = None

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.phone or self.email or self.contact_id):
            raise FieldNeeded("phone", "is needed, or email or contact_id: whose message")
        return self


class StatusChange(View):
    """Something that happened to the message, and why, where the provider says so."""

    status: str
    at: Instant
    reason: str | None


class DeliveryStatus(View):
    """`status` is waiting, sent, unknown (nobody knows yet, or ever will), delivered, undelivered or not_sent; `at` is
    when it became so, `reason` why. `parts` and `cost`, in the account's currency, are those of a text message that was
    sent. The `history` begins with the oldest."""

    campaign_id: str
    contact_id: str
    phone: str | None
    email: str | None
    status: str
    at: Instant | None
    reason: str | None
    held_until: Instant | None
    message_id: str
    provider_message_id: str | None
    country: str | None
    carrier: str | None
    parts: int | None
    cost: float | None
    currency: str | None
    history: list[StatusChange]


def of(campaign: Campaign, query: DeliveryStatusQuery) -> DeliveryStatus:
    """Raises Invalid for what is no address, NotFound for somebody who is no recipient. Reads `READS`."""
    contact = _contact(campaign.tenant, query)
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id)) if campaign.send_id else None
    found = finding.recipient(send, contact.contact_id) if send and contact else None
    if contact is None or send is None or found is None:
        raise NotFound("Nobody with this address is a recipient of the campaign.")
    chunk, number = found
    message = chunk.place.message(number)
    rows = _rows(contact, send, message)
    history = [_change(row) for row in rows]
    status, reason, until = _status(chunk, number)
    told = [row for row in history if row.status == status]
    sent = next((row for row in rows if row.name.endswith(".sent")), None)
    return DeliveryStatus(
        campaign_id=campaign.campaign_id,
        contact_id=contact.contact_id,
        phone=contact.phone,
        email=contact.email,
        status=status,
        at=told[-1].at if told else None,
        reason=reason or (told[-1].reason if told else None),
        held_until=until,
        message_id=message,
        provider_message_id=((sent.properties or {}) if sent else {}).get("provider_message_id"),
        history=history,
        **_paid(send, chunk, number),
    )


def _contact(tenant: str, query: DeliveryStatusQuery) -> Contact | None:
    if query.contact_id:
        return contacts.find(tenant, query.contact_id)
    field = "phone" if query.phone else "email"
    try:
        if query.phone:
            phone = addresses.asked_phone(query.phone)
            return contacts.find_by_address(tenant, contacts.dialled(tenant, phone, None))
        return contacts.find_by_address(tenant, addresses.email(query.email or ""))
    except addresses.BadAddress as error:
        raise Invalid.field(field, str(error)) from error


def _rows(contact: Contact, send: Send, message: str) -> list[Timeline]:
    """The message's rows of the timeline, oldest first."""
    partition = Timeline.partition(contact.tenant, contact.contact_id)
    rows = table.rows(Timeline, partition, start=clock.iso(send.launched_at), limit=MOST_ROWS)
    return [row for row in rows if row.message == message]


def _change(row: Timeline) -> StatusChange:
    kind = row.name.rpartition(".")[2]
    status = "undelivered" if kind in ("bounced", "rejected", "failed") else kind
    data = row.data or {}
    return StatusChange(status=status, at=row.at, reason=data.get("reason") or data.get("bounce_reason"))


def _status(chunk: Chunk, number: int) -> tuple[str, str | None, datetime | None]:
    """The status, why, and until when it waits."""
    letter = chunk.outcomes[number]
    note = (chunk.notes or {}).get(str(number))
    if letter == Outcome.TO_DO:
        if number in chunk.in_doubt:
            return "unknown", None, None
        why, until = looking.waits(chunk, clock.business()).get(number, (None, None))
        return "waiting", why, until
    if letter == Outcome.GIVEN_UP:
        return "unknown", REASONS[letter], None
    data = table.connection(Stat).get_item(*chunk.place.stat_key_of(number), consistent_read=True)
    sets = Stat.sets_of(data.get("Item", {}))
    if letter != Outcome.ACCEPTED:
        reason = REASONS.get(letter, "")
        return "not_sent", f"{reason}: {note}" if note else reason, None
    return next((status for name, status in _LAST_WORDS if number in sets.get(name, ())), "sent"), note, None


def _paid(send: Send, chunk: Chunk, number: int) -> dict[str, Any]:
    """Where a text message went, in how many parts, and what that cost at the launch's prices."""
    nothing = {"country": None, "carrier": None, "parts": None, "cost": None, "currency": None}
    kept = domains.read(chunk.domains, len(chunk.outcomes))[number]
    if send.channel != "sms" or not kept or chunk.outcomes[number] != Outcome.ACCEPTED:
        return dict(nothing)
    terms, message = destinations.of_launch(send.launch), destinations.read(kept)
    return {
        "country": message.destination.country, "carrier": message.destination.carrier, "parts": message.parts,
        "cost": float(message.parts * terms.each(message)), "currency": terms.currency,
    }  # fmt: skip
