"""Opting a telephone number out on somebody's word: support heard it, a form said it. It is in force when the answer
goes out, for all campaigns, and counts for the campaign whose text message the person got last."""

from datetime import datetime

from drumbeat.contacts import consent
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.feedback import replies

METHOD = "api"


def opt_out(tenant: str, phone: str, *, reason: str | None, actor: str, cause: str, now: datetime) -> Unsubscribe:
    """The opt-out on record: asking twice is asking once. A number that no contact has is suppressed."""
    contact = contacts.find_by_address(tenant, phone)
    last = replies.answered_to(tenant, contact.contact_id, now) if contact else None
    recorded = consent.revoke(
        tenant, contact or phone, "sms", reason=reason, method=METHOD, source=actor, at=now, cause=cause,
        campaign=last.campaign if last else None, send=last.send if last else None, evidence=Evidence(actor, cause),
    )  # fmt: skip
    # Told again when it is asked again: whoever did so first may have died before this.
    if contact is not None and recorded.method == METHOD and recorded.send is not None:
        told = {
            "tenant": tenant, "contact": contact.contact_id, "sid": cause, "at": recorded.sk.split("#")[0],
            "from": phone, "word": "stop",
        }  # fmt: skip
        replies.apply(told)
    return recorded
