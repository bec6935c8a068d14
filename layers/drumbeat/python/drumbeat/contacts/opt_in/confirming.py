"""What the owner of an address does with the link of a mail: looking changes nothing, the button confirms.

A link works until it expires, also when a later mail has another one. It says nothing more when the contact was
deleted, has another address by now, or has opted out since: an old mail must not open again what was closed.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from drumbeat import clock, table
from drumbeat.contacts import consent, model
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import asking, rules
from drumbeat.contacts.opt_in.model import OptIn, nothing_due
from drumbeat.errors import Conflict, NotFound
from drumbeat.table import Transaction

# What a function that confirms declares, besides the row of the tenant.
WRITES = (*consent.WRITES, OptIn)

Standing = Literal["open", "expired", "confirmed", "over"]


@dataclass(frozen=True, slots=True)
class Link:
    """A link that we made: its request, its mail, and whose it is (None: nobody's any more)."""

    row: OptIn
    mail: Mapping[str, Any]
    contact: Contact | None

    def standing(self, now: datetime) -> Standing:
        """What it is good for: `over` for nothing."""
        if self.contact is None:
            return "over"
        status = ((self.contact.consent or {}).get("email") or {}).get("status")
        if status == "granted":
            return "confirmed"
        if status not in consent.UNCONFIRMED:
            return "over"
        return "open" if now < clock.parse(self.mail["expires_at"]) else "expired"


def follow(text: str) -> Link | None:
    """The link of a token; None for none of ours. Reads OptIn, Contact."""
    told = rules.parsed(text)
    row = OptIn.fetch(*OptIn.key(told.tenant, told.address_key)) if told else None
    if told is None or row is None:
        return None
    hashed = rules.hashed(told.secret)
    mail = next((mail for mail in row.mails or [] if hmac.compare_digest(mail["token"], hashed)), None)
    return Link(row, mail, _owner(row)) if mail else None


def _owner(row: OptIn) -> Contact | None:
    """The contact that was asked, if it still has the address."""
    contact = model.find(row.tenant, row.contact)
    if contact is None or not contact.email or rules.address_key(row.tenant, contact.email) != row.address_key:
        return None
    return contact


def confirm(link: Link, text: str, now: datetime, evidence: Evidence) -> Link:
    """The owner of the address agrees; twice is once. Gives the link as it stands then. An opt-out of the address from
    before no longer stands. Reads Contact, OptIn; writes `WRITES`."""

    def once() -> OptIn:
        current = _now(link, text)
        contact, row = current.contact, current.row
        if contact is None or current.standing(now) != "open":
            return row
        said = {
            "status": "granted", "at": clock.iso(now), "source": contact.consent["email"].get("source"),
            "method": consent.CONFIRMED,
        }  # fmt: skip
        transaction = Transaction()
        consent.state_into(transaction, contact, "email", said, now, evidence)
        consent.lift_into(transaction, consent.opt_out_before(contact, "email", now))
        actions = [OptIn.state.set("confirmed"), OptIn.confirmed_at.set(now), OptIn.reason.remove(), *nothing_due()]
        transaction.update(OptIn, row.pk, row.sk, actions, OptIn.pk.exists())
        consent.commit(transaction)
        return row

    table.retried(once)
    return _now(link, text)


def _now(link: Link, text: str) -> Link:
    """The link as it stands now: nobody's, when its request was erased meanwhile."""
    return follow(text) or replace(link, contact=None)


def send_again(link: Link, now: datetime, evidence: Evidence) -> Literal["sent_again", "wait", "no_more"]:
    """The owner of an expired link wants a new one: on its way, too soon, or not any more. Reads Tenant; writes
    `WRITES`; sends CONFIRMATIONS."""
    if link.contact is None:
        return "no_more"
    try:
        asking.again(link.row.tenant, link.contact.contact_id, now, evidence)
    except asking.ConfirmationTooSoon:
        return "wait"
    except (NotFound, Conflict):
        return "no_more"
    return "sent_again"
