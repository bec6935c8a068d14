"""What time does to requests to confirm: they expire, and a mail whose worker died becomes a doubt."""

from datetime import datetime

from drumbeat import clock, table
from drumbeat.contacts import consent, model
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import rules
from drumbeat.contacts.opt_in.model import OVER, OptIn, due_again, find, nothing_due
from drumbeat.table import ConditionFailed, Transaction


def doubt(row: OptIn) -> None:
    """Nobody knows whether the mail left. It is not repeated by itself; it can be asked for again."""
    mails = [dict(mail) for mail in row.mails]
    mails[-1]["outcome"] = "unknown"
    try:
        row.change(
            OptIn.state.set("unknown"), OptIn.mails.set(mails), *due_again(row, clock.parse(mails[-1]["expires_at"])),
            unchanged=True,
        )  # fmt: skip
    except ConditionFailed:
        return


def expire(row: OptIn, now: datetime) -> None:
    """Nobody confirmed in time: the consent that waited is `expired`, and the ledger says so. Writes `consent.WRITES`,
    OptIn."""
    key = row.pk, row.sk

    def once() -> OptIn:
        current = OptIn.fetch(*key)
        if current is None:
            return row
        if current.gsi2sk is None or current.gsi2sk > clock.iso(now):
            return current
        transaction = Transaction()
        contact = model.find(current.tenant, current.contact)
        if contact is not None and _waits(contact, current):
            said = {**contact.consent["email"], "status": "expired", "at": clock.iso(now)}
            consent.state_into(transaction, contact, "email", said, now, Evidence("expiry", "confirmation"))
        actions = [OptIn.state.set("expired"), *nothing_due()]
        transaction.update(OptIn, *key, actions, current.unchanged())
        consent.commit(transaction)
        return current

    table.retried(once)


def _waits(contact: Contact, row: OptIn) -> bool:
    """Whether this request is the one that the contact's consent waits for: its address may have changed since, and the
    new one may have been asked."""
    if ((contact.consent or {}).get("email") or {}).get("status") != "pending":
        return False
    if not contact.email or rules.address_key(contact.tenant, contact.email) == row.address_key:
        return True
    other = find(contact.tenant, contact.email)
    return other is None or other.contact != contact.contact_id or other.state in OVER
