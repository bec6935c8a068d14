"""One address's request to confirm: what of it is to be written when somebody is asked, or asked again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock
from drumbeat.accounts import settings
from drumbeat.contacts import suppressions
from drumbeat.contacts.opt_in import rules
from drumbeat.contacts.opt_in.model import OVER, UNDER_WAY, OptIn, due_again, partition_of
from drumbeat.table import ConditionFailed, Transaction


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is to be asked, and why no mail may go to them, if so. `lasts` is how long a link works."""

    tenant: str
    contact_id: str
    email: str
    source: str | None
    barred: str | None
    now: datetime
    lasts: timedelta

    @property
    def key(self) -> str:
        return rules.address_key(self.tenant, self.email)

    def row(self) -> OptIn | None:
        """The address's request as it is stored."""
        return OptIn.fetch(*OptIn.key(self.tenant, self.key))

    def stored(self) -> OptIn:
        """The request after it was written. Raises ConditionFailed when somebody took it away."""
        row = self.row()
        if row is None:
            raise ConditionFailed(None)
        return row


def asked(
    tenant: str, contact_id: str, email: str, source: str | None, held: Mapping[str, Any] | None, now: datetime
) -> Asked:
    """`held` is the contact's statement so far. Reads Suppression, Tenant."""
    suppressed = suppressions.find(tenant, email)
    barred = rules.barred(held, suppressed.reason if suppressed else None)
    return Asked(tenant, contact_id, email, source, barred, now, lasts(tenant))


def lasts(tenant: str) -> timedelta:
    """How long a link works, business time. Reads Tenant."""
    return timedelta(seconds=settings.of(tenant).confirmation_seconds)


def into(transaction: Transaction, one: Asked, row: OptIn | None) -> bool:
    """Put the request into a transaction; True when a mail is due by it. One that is under way, or was sent so lately
    that the next mail has to wait, stays as it is."""
    if row is not None and row.contact == one.contact_id and row.state in UNDER_WAY:
        return False
    barred = one.barred
    if row is not None and not barred and not _may_follow(row, one.now):
        if row.contact == one.contact_id and row.state not in OVER:
            return False
        barred = "limit"
    look_at = one.now + one.lasts if barred else one.now
    state = "blocked" if barred else "due"
    if row is None:
        made = OptIn(*OptIn.key(one.tenant, one.key), tenant=one.tenant, contact=one.contact_id, state=state)
        made.gsi2pk, made.gsi2sk = partition_of(one.tenant, one.key), clock.iso(look_at)
        made.reason, made.source, made.requested_at = barred, one.source, one.now
        transaction.create(made)
        return state == "due"
    actions = [
        OptIn.contact.set(one.contact_id),
        OptIn.state.set(state),
        OptIn.requested_at.set(one.now),
        OptIn.reason.set(barred) if barred else OptIn.reason.remove(),
        OptIn.source.set(one.source) if one.source else OptIn.source.remove(),
        *due_again(row, look_at),
    ]
    transaction.update(OptIn, row.pk, row.sk, actions, row.unchanged())
    return state == "due"


def _may_follow(row: OptIn, now: datetime) -> bool:
    at = row.next_mail_at(now)
    return at is not None and at <= now
