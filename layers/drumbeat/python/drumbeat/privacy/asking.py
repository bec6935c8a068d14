"""What a person asks on the preference page: a link goes to the address on record, and only that link does something.

The link of a mail says whose page it is, but a mail may be forwarded. So pressing a button there has no effect but a
second mail, with a link that holds a secret: it works for an hour, its page has a button, and the button works once.
The secret's hash is stored. Looking at a page changes nothing.
"""

import os
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from botocore.exceptions import ClientError

from drumbeat import clock, queues
from drumbeat.accounts import settings
from drumbeat.accounts.onetime import hashed
from drumbeat.accounts.settings import Settings
from drumbeat.channels.email import notices
from drumbeat.contacts import model as contacts
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.errors import NotFound
from drumbeat.feedback import tracking
from drumbeat.feedback.words import spoken
from drumbeat.fields import Message
from drumbeat.logs import counted, logger
from drumbeat.privacy import disclosing, erasing, letters, model
from drumbeat.privacy.model import LETTERS, PrivacyLink, PrivacyRequest, Wish
from drumbeat.sends.tokens import Target
from drumbeat.table import ConditionFailed

LASTS = timedelta(hours=1)
# The owner of an address must not be flooded by whoever has one of its mails.
APART = timedelta(minutes=5)
RECIPIENT = "recipient"


class LetterMessage(Message):
    """A link is to go to a contact, for the request of this id; `token` is that of the mail whose page it was."""

    tenant: str
    contact: str
    wish: Wish
    token: str
    cause: str


@dataclass(frozen=True, slots=True)
class Followed:
    """A link that is ours: whose, for what, and what came of it so far."""

    contact: Contact
    wish: Wish
    row: PrivacyLink
    request: PrivacyRequest | None


def wish_of(text: str) -> Wish | None:
    """What a page's button or a link asks for; None for what is neither."""
    found: tuple[Wish, ...] = get_args(Wish)
    return next((wish for wish in found if wish == text), None)


def ask(target: Target, contact: Contact, wish: Wish, token: str, cause: str) -> None:
    """Have a link mailed to the contact. Sends LETTERS."""
    tenant = target.place[0]
    message = LetterMessage(tenant=tenant, contact=contact.contact_id, wish=wish, token=token, cause=cause)
    queues.send(LETTERS, tenant, [message.model_dump()])


def mail(message: LetterMessage) -> None:
    """Mail the link, once for a request, and not again to the same person for a while.

    When it is not known whether SES took the mail, it is not sent again: the person can ask again.
    """
    contact = contacts.find(message.tenant, message.contact)
    sender = settings.of(message.tenant)
    if contact is None or not contact.email or not sender.sender_email:
        return
    suppressed = suppressions.find(message.tenant, contact.email)
    if suppressed is not None and suppressed.scope == "all":
        logger.info("an address that gets nothing asked for its data", extra={"contact": contact.contact_id})
        return
    code = secrets.token_urlsafe(32)
    row = _claim(message, code)
    if row is None:
        return
    link = f"{_base(sender)}/p/{message.token}/{message.wish}/{code}"
    language = spoken(contact.language, sender.language)
    name = sender.sender_name or sender.sender_email.rpartition("@")[2]
    subject, text = letters.written(language, message.wish, name, link, int(LASTS.total_seconds() // 60))
    try:
        notices.send(name, sender.sender_email, contact.email, subject, text)
    except ClientError:
        # SES said no, so nothing left: the queue brings the message again, and after some tries to its dead letters.
        row.delete()
        raise
    counted("PrivacyLinks")


def _base(chosen: Settings) -> str:
    """Where links in mails lead: the tenant's own tracking domain, or the deployment's."""
    return f"https://{chosen.tracking_domain}" if chosen.tracking_domain else os.environ["PUBLIC_URL"].rstrip("/")


def _claim(message: LetterMessage, code: str) -> PrivacyLink | None:
    """Store the link before it is mailed; None when this request, or another one lately, had one mailed."""
    now = clock.wall()
    row = PrivacyLink(
        *PrivacyLink.key(message.tenant, message.contact, message.wish), code_hash=hashed(code), cause=message.cause,
        mailed_at=now, expires_at=now + LASTS, ttl=int((now + LASTS).timestamp()) + 86_400,
    )  # fmt: skip
    another = (PrivacyLink.mailed_at < now - APART) & (PrivacyLink.cause != message.cause)
    free = PrivacyLink.pk.does_not_exist() | another
    try:
        row.save(condition=free, add_version_condition=False)
    except ConditionFailed:
        return None
    return row


def follow(target: Target, wish: str, code: str) -> Followed | None:
    """The link of these parts, if it is ours, is that person's and has not expired."""
    known = wish_of(wish)
    contact_id = tracking.recipient(target)
    if known is None or contact_id is None:
        return None
    tenant = target.place[0]
    row = PrivacyLink.fetch(*PrivacyLink.key(tenant, contact_id, known))
    contact = contacts.find(tenant, contact_id)
    if row is None or contact is None or row.code_hash != hashed(code) or row.expires_at <= clock.wall():
        return None
    return Followed(contact, known, row, model.find(tenant, row.request) if row.request else None)


def carry_out(link: Followed, request_id: str) -> PrivacyRequest | None:
    """Do what the link is for, once; gives the request that came of it, also when the link was used before. None when
    the link is of no use by now: a newer one took its place, or the person is gone."""
    if link.request is not None:
        return link.request
    same = PrivacyLink.code_hash == link.row.code_hash
    try:
        link.row.change(PrivacyLink.request.set(request_id), condition=same & PrivacyLink.request.does_not_exist())
    except ConditionFailed as refused:
        held = PrivacyLink.from_raw_data(refused.found) if refused.found else None
        if held is None or held.code_hash != link.row.code_hash:
            return None
        request_id = held.request
    act = erasing.request if link.wish == "erasure" else disclosing.request
    tenant, contact_id = link.contact.tenant, link.contact.contact_id
    try:
        return act(tenant, contact_id, None, request_id=request_id, actor=RECIPIENT)
    except NotFound:  # gone since the link was read, most likely by the same button
        return model.find(tenant, request_id)
