"""Inviting people whom somebody put on a list: those who have said nothing about e-mail are asked."""

from collections.abc import Sequence
from datetime import datetime

from drumbeat import clock, ids
from drumbeat.accounts.model import Tenant
from drumbeat.contacts import batch, model
from drumbeat.contacts.batch import Incoming
from drumbeat.contacts.opt_in import asking
from drumbeat.contacts.suppressions import Suppression

# What a function that invites declares.
READS = (Suppression, Tenant)
WRITES = (*model.WRITES, *asking.WRITES)


def invite_many(tenant: str, contact_ids: Sequence[str], *, source: str, now: datetime) -> int:
    """Ask these contacts for their consent to e-mail, in the name of a list; gives how many requests were new. Whoever
    has agreed, opted out, or was asked already is left alone, so it can be repeated. Mails go as after an import.

    Reads `READS`; writes `WRITES`.
    """
    silent = [one for one in model.many(tenant, contact_ids) if one.email and "email" not in (one.consent or {})]
    said = {"status": "pending", "at": clock.iso(now), "source": source, "method": "list"}
    # Found by their addresses; an id of its own would say that the row had made the contact.
    rows = [Incoming(ids.new("con"), {"email": one.email, "consent": {"email": said}}) for one in silent]
    if rows:
        batch.write(tenant, rows, now=now)
    return asking.request_many(tenant, contact_ids, now=now)
