"""Messages that people send to a tenant's numbers: STOP, START and HELP take effect at once and are answered, others
are replies.

pk                                sk
INBOUND#<tenant>#<provider's id>  INBOUND    a message was received, and when first: it takes effect once

Providers sign such a request without a time, so it can be shown again for ever: an old START must not undo a later
STOP. What a message says is nobody's but the recipient's: it is on the timeline, and in no log.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from html import escape

from pynamodb.attributes import BooleanAttribute

from drumbeat import clock, queues
from drumbeat.accounts import settings, sms_answers
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.sms_answers import Word
from drumbeat.activity.model import Timeline
from drumbeat.channels import Account
from drumbeat.contacts import addresses, consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.claims import ContactAddress
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import Contact
from drumbeat.errors import MalformedBody
from drumbeat.feedback import keywords, replies
from drumbeat.feedback.words import spoken
from drumbeat.logs import counted
from drumbeat.sends.work import FEEDBACK
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, Transaction

MOST_TEXT = 1600
METHOD = "keyword"


class Inbound(Entity):
    """A message was received. `at` is when it first was (business time), `done` that it has taken effect."""

    TYPE = "INBOUND"
    LEDGER = True

    at = InstantAttribute()
    done = BooleanAttribute(default=False)

    @staticmethod
    def key(tenant: str, provider_id: str) -> tuple[str, str]:
        return f"INBOUND#{tenant}#{provider_id}", "INBOUND"


# What a function declares that takes messages in.
READS = (Contact, ContactAddress, Tenant, Timeline)
WRITES = (Inbound, *consent.WRITES)


@dataclass(frozen=True, slots=True)
class Received:
    """A message: the provider's id, the number (E.164) and the contact that has it, what it says and asks for.
    `answered`: the provider has answered it."""

    tenant: str
    sid: str
    number: str
    contact: Contact | None
    text: str
    media: int
    word: Word | None
    answered: bool


def take(account: Account, said: Mapping[str, str], now: datetime) -> str:
    """Take in a verified message of Twilio's (twilio.com/docs/messaging/guides/webhook-request); gives the answer as
    TwiML. Raises MalformedBody for what is none."""
    tenant = account.tenant or ""
    sid, sender = said.get("MessageSid") or said.get("SmsSid"), said.get("From")
    if not sid or not sender or "Body" not in said:
        raise MalformedBody("This is no message: it needs MessageSid, From and Body.")
    try:
        number = addresses.phone(sender)
    except addresses.BadAddress:  # a short code, a name: no person's
        counted("RepliesOfNobody")
        return twiml("")
    contact = contacts.find_by_address(tenant, number)
    by_twilio = keywords.of_twilio(said.get("OptOutType", ""))
    word = by_twilio or keywords.meaning(said["Body"], opted_out=_opted_out(tenant, number, contact))
    message = Received(
        tenant, sid, number, contact, said["Body"][:MOST_TEXT], _media(said.get("NumMedia", "")), word,
        bool(by_twilio) or account.config.get("answers") == "twilio",
    )  # fmt: skip
    row = _first(tenant, sid, now)
    if not row.done:
        _act(message, row.at)
        row.change(Inbound.done.set(True))
    return twiml(_answer(message))


def _first(tenant: str, sid: str, now: datetime) -> Inbound:
    row = Inbound(*Inbound.key(tenant, sid), at=now)
    try:
        row.create()
    except ConditionFailed as earlier:
        return Inbound.from_raw_data(earlier.found or {})
    return row


def _opted_out(tenant: str, number: str, contact: Contact | None) -> bool:
    if contact is not None:
        return consent.opted_out((contact.consent or {}).get(replies.CHANNEL))
    held = suppressions.find(tenant, number)
    return held is not None and held.reason == "unsubscribed"


def _act(message: Received, at: datetime) -> None:
    if message.word == "stop":
        _stop(message, at)
    elif message.word == "start":
        _start(message, at)
    if message.contact is None:
        counted("RepliesOfNobody")
    elif message.word in (None, "stop"):
        told = {
            "type": replies.KIND, "tenant": message.tenant, "contact": message.contact.contact_id, "sid": message.sid,
            "at": clock.iso(at), "from": message.number, "word": message.word, "text": message.text,
            "media": message.media,
        }  # fmt: skip
        queues.send(FEEDBACK, message.tenant, [told])


def _stop(message: Received, at: datetime) -> None:
    """For a number that no contact has, too: it is honoured when one comes."""
    contact = message.contact
    last = replies.answered_to(message.tenant, contact.contact_id, at) if contact else None
    consent.revoke(
        message.tenant, contact or message.number, "sms", reason=None, method=METHOD, source="sms", at=at,
        cause=message.sid, campaign=last.campaign if last else None, send=last.send if last else None,
        evidence=Evidence("recipient", message.sid),
    )  # fmt: skip


def _start(message: Received, at: datetime) -> None:
    """A consent that stands keeps its first evidence. What was said later stands, too: whoever took the message first
    may have died before it was noted as done."""
    contact = message.contact
    if contact is None:
        held = suppressions.find(message.tenant, message.number)
        if held and held.reason == "unsubscribed" and held.at <= at:
            lifted = Transaction()
            consent.lift_into(lifted, held)
            consent.commit(lifted)
        return
    said = (contact.consent or {}).get(replies.CHANNEL) or {}
    if said.get("at", "") > clock.iso(at):
        return
    if said.get("status") != "granted" or _opt_out_stands(contact, at):
        consent.grant(
            message.tenant, contact, "sms", source="sms", method=METHOD, at=at,
            evidence=Evidence("recipient", message.sid),
        )  # fmt: skip


def _opt_out_stands(contact: Contact, at: datetime) -> bool:
    return consent.opt_out_before(contact, "sms", at) is not None


def _answer(message: Received) -> str:
    """Empty for a reply, and where the provider has answered."""
    if message.word is None or message.answered:
        return ""
    chosen = settings.of(message.tenant)
    language = spoken(message.contact.language if message.contact else None, chosen.language)
    return sms_answers.answer(chosen.sms_answers, language, message.word, chosen.sender_name or "")


def twiml(text: str) -> str:
    """An answer of one message, or of none (twilio.com/docs/messaging/twiml)."""
    inner = f"<Message>{escape(text, quote=False)}</Message>" if text else ""
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{inner}</Response>'


def _media(count: str) -> int:
    return int(count) if count.isascii() and count.isdigit() and len(count) < 3 else 0
