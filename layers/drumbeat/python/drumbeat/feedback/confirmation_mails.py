"""What came back from mails that asked for a confirmation: they belong to no send, and their addresses can be bad, too.

An event of a mail of which nobody knew whether it left proves that it did.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock, table
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.feedback import rules
from drumbeat.logs import logger
from drumbeat.sends.confirmation_mail import Tags


def apply(event: Mapping[str, Any]) -> None:
    """Apply one of SES's events, if it is of such a mail: suppress the address of a hard bounce or a complaint, and
    note what became of the mail. Twice is once. Writes `consent.WRITES`, OptIn."""
    tags = Tags.read((event.get("mail") or {}).get("tags") or {})
    row = OptIn.fetch(*OptIn.key(tags.tenant, tags.address_key)) if tags else None
    if tags is None or row is None:
        logger.info("feedback that is not ours", extra={"event_type": str(event.get("eventType"))[:40]})
        return
    kind, does, reason = _incident(event)
    at = clock.business_time_of(clock.parse(event["mail"]["timestamp"]))
    address = next(iter(event["mail"].get("destination") or ()), None)
    if does is not None and does.in_a_row == 1 and address:
        suppressions.suppress(tags.tenant, address, does.scope, does.reason, "confirmation", at)
        if does.revokes:
            _revoke(row, does.reason, at)
    table.retried(lambda: _noted(row, tags.mail, kind, reason))


def _incident(event: Mapping[str, Any]) -> tuple[str, rules.Consequence | None, str | None]:
    """The outcome of the mail, what it does to the address, and why."""
    told = None
    if event["eventType"] == "Bounce":
        told = rules.bounce(event["bounce"])
    elif event["eventType"] == "Complaint":
        told = rules.complaint(event["complaint"])
    if told is None:
        return "sent", None, None
    kind, does, reason = told
    return ("bounced" if kind == "bounced" else "sent"), does, reason


def _revoke(row: OptIn, reason: str, at: datetime) -> None:
    person = contacts.find(row.tenant, row.contact)
    if person is not None:
        consent.revoke(
            row.tenant, person, "email", reason=reason, method="provider", source="confirmation", at=at,
            cause=f"{row.address_key}:{reason}", evidence=Evidence("provider", "confirmation"),
        )  # fmt: skip


def _noted(row: OptIn, mail: str, outcome: str, reason: str | None) -> OptIn:
    """Set the mail's outcome: a bounce stays, and what was sent or in doubt is sent."""
    current = OptIn.fetch(row.pk, row.sk)
    if current is None:
        return row
    mails = [
        {**one, "outcome": outcome} if one["token"].startswith(mail) and one["outcome"] != "bounced" else one
        for one in current.mails
    ]
    if mails == current.mails:
        return current
    actions = [OptIn.mails.set(mails)]
    latest = mails[-1]["token"].startswith(mail)
    if latest and current.state in ("sending", "sent", "unknown"):
        actions.append(OptIn.state.set("failed" if outcome == "bounced" else "sent"))
        if reason:
            actions.append(OptIn.reason.set(reason[:200]))
    current.change(*actions, unchanged=True)
    return current
