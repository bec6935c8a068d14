"""Asking for a confirmation: a consent that must be confirmed becomes `pending`, and a mail is due to the address.

Both are one transaction, so that nobody waits for a mail that nobody is going to send. The message on the queue only
makes it quick: the sweeper finds what is due without one.
"""

import functools
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, ids, queues, table
from drumbeat.accounts import settings
from drumbeat.contacts import addresses, consent, model, suppressions
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import request_rows, rules
from drumbeat.contacts.opt_in.model import CONFIRMATIONS, OVER, UNDER_WAY, OptIn
from drumbeat.contacts.opt_in.request_rows import Asked
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.views import ConsentStatement, NewContact
from drumbeat.errors import Conflict, Refusal
from drumbeat.table import MOST_IN_TRANSACTION, Transaction, TransactionRefused

# What a function that asks writes, besides the contact and its consent.
WRITES = (OptIn,)


class NothingToConfirm(Conflict):
    code = "NOTHING_TO_CONFIRM"


class AlreadyConfirmed(Conflict):
    code = "ALREADY_CONFIRMED"


class ConfirmationBarred(Conflict):
    code = "CONFIRMATION_BARRED"


class TooManyConfirmations(Conflict):
    code = "TOO_MANY_CONFIRMATIONS"


class ConfirmationTooSoon(Refusal):
    status, code = 429, "CONFIRMATION_TOO_SOON"


def add(tenant: str, new: NewContact, *, now: datetime, contact_id: str | None = None, evidence: Evidence) -> Contact:
    """Create a contact, and ask its address to confirm where its consent to e-mail must be confirmed.

    Raises what `model.add` does. Reads Tenant, Suppression; writes `model.WRITES` and `WRITES`; sends CONFIRMATIONS.
    """
    contact_id = contact_id or ids.new("con")
    said = new.consent.get("email")
    if said is None or said.status != "granted" or not _required(tenant, said.source, said.method):
        return model.add(tenant, new, now=now, contact_id=contact_id, evidence=evidence)
    if new.email is None:
        return model.add(tenant, new, now=now, contact_id=contact_id, evidence=evidence, pending=True)
    asked = request_rows.asked(tenant, contact_id, new.email, said.source, None, now)

    def also(transaction: Transaction) -> None:
        request_rows.into(transaction, asked, asked.row())

    def once() -> Contact:
        return model.add(
            tenant, new, now=now, contact_id=contact_id, evidence=evidence, pending=True, also=also
        )  # fmt: skip

    made = table.retried(once)
    _hand_over(tenant, [asked.key])
    return made


def record(tenant: str, contact_id: str, said: ConsentStatement, now: datetime, evidence: Evidence) -> Contact:
    """Record a statement. A consent to e-mail that must be confirmed becomes pending, and the address is asked, as
    often as the limits allow; who has agreed before is not asked, and stays as they are.

    Raises NotFound, NewerStatement. Reads Tenant; writes `consent.WRITES` and `WRITES`; sends CONFIRMATIONS.
    """
    if said.status != "granted" or said.channel != "email" or not _required(tenant, said.source, said.method):
        return consent.record(tenant, contact_id, said, now, evidence)
    consent.check_newest(model.get(tenant, contact_id), said)
    statement = {
        "status": "pending", "at": clock.iso(min(said.at or now, now)), "source": said.source,
        "method": said.method or "api",
    }  # fmt: skip
    return _pending(tenant, contact_id, statement, now, evidence, dated=said.at is not None)


def again(tenant: str, contact_id: str, now: datetime, evidence: Evidence) -> OptIn:
    """Send another mail to somebody who has not confirmed. Raises NotFound, AlreadyConfirmed, NothingToConfirm,
    ConfirmationBarred, TooManyConfirmations, ConfirmationTooSoon. Touches what `record` does."""
    contact = model.get(tenant, contact_id)
    held = (contact.consent or {}).get("email") or {}
    if held.get("status") == "granted":
        raise AlreadyConfirmed("This contact has agreed to e-mail. There is nothing to confirm.")
    if held.get("status") not in consent.UNCONFIRMED or not contact.email:
        raise NothingToConfirm("Nothing waits to be confirmed. Record a consent to e-mail first.")
    asked = request_rows.asked(tenant, contact_id, contact.email, held.get("source"), held, now)
    _check(asked)
    _pending(tenant, contact_id, {**held, "status": "pending", "at": clock.iso(now)}, now, evidence, dated=False)
    return asked.stored()


def _check(asked: Asked) -> None:
    """Refuse what may not be sent now."""
    if asked.barred:
        raise ConfirmationBarred(f"No mail goes to this address: {asked.barred.replace(':', ' because of ')}.")
    row = asked.row()
    if row is None or row.state in UNDER_WAY:
        return
    at = row.next_mail_at(asked.now)
    if at is None:
        raise TooManyConfirmations(
            f"This address was asked {rules.MOST_IN_ALL} times and nobody confirmed. It is not asked again."
        )
    if at > asked.now:
        seconds = max(1, round(clock.wall_seconds(at - asked.now)))
        raise ConfirmationTooSoon(
            f"This address was asked lately. It can be asked again at {clock.iso(at)}.",
            headers={"Retry-After": str(seconds)},
        )


def to_confirm(said: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Statements by channel as they are written where consent to e-mail is to be confirmed: one that was confirmed
    elsewhere (method `double_opt_in`) stays."""
    after = {channel: dict(statement) for channel, statement in said.items()}
    mail = after.get("email")
    if mail and mail.get("status") == "granted" and mail.get("method") != consent.CONFIRMED:
        mail["status"] = "pending"
    return after


def request_many(tenant: str, contact_ids: Iterable[str], *, now: datetime) -> int:
    """Ask all of these contacts whose consent to e-mail is pending (`to_confirm`, as written by an import); gives how
    many requests were new. Whoever has agreed, opted out, or was asked already is left alone, so it can be repeated.

    Nothing is put on the queue: the sweeper hands the mails over, tenants in turn, at the rate of the provider account.
    Reads Contact, Suppression, Tenant; writes `WRITES`.
    """
    people = [
        one
        for one in model.many(tenant, dict.fromkeys(contact_ids))
        if one.email and ((one.consent or {}).get("email") or {}).get("status") == "pending"
    ]
    suppressed = suppressions.many(tenant, [one.email for one in people])
    lasts = request_rows.lasts(tenant)
    everyone = [_imported(one, suppressed.get(addresses.claim(one.email)), now, lasts) for one in people]
    asked = {one.key: one for one in everyone}
    rows = {row.address_key: row for row in OptIn.many(OptIn.key(tenant, key) for key in asked)}
    wanted = [one for key, one in asked.items() if _is_new(one, rows.get(key))]
    for start in range(0, len(wanted), MOST_IN_TRANSACTION):
        _ask_together(wanted[start : start + MOST_IN_TRANSACTION], rows)
    return len(wanted)


def _imported(one: Contact, held: Suppression | None, now: datetime, lasts: timedelta) -> Asked:
    """An import is no statement of the person's own: it takes no opt-out back."""
    barred = f"suppressed:{held.reason}" if held else None
    return Asked(one.tenant, one.contact_id, one.email, one.consent["email"].get("source"), barred, now, lasts)


def _is_new(asked: Asked, row: OptIn | None) -> bool:
    return row is None or row.state in OVER or row.contact != asked.contact_id


def _ask_together(some: Sequence[Asked], rows: Mapping[str, OptIn]) -> None:
    transaction = Transaction()
    for asked in some:
        request_rows.into(transaction, asked, rows.get(asked.key))
    try:
        transaction.commit()
    except TransactionRefused:
        # Somebody asked one of them at the same time: one by one, as each is now.
        for asked in some:
            table.retried(functools.partial(_ask_alone, asked))


def _ask_alone(asked: Asked) -> OptIn:
    row = asked.row()
    if row is not None and not _is_new(asked, row):
        return row
    transaction = Transaction()
    request_rows.into(transaction, asked, row)
    consent.commit(transaction)
    return asked.stored()


def _pending(
    tenant: str, contact_id: str, statement: Mapping[str, Any], now: datetime, evidence: Evidence, *, dated: bool
) -> Contact:
    """Make the statement the contact's, unless it has agreed, and ask its address."""
    keys: list[str] = []

    def once() -> Contact:
        keys.clear()
        contact = model.get(tenant, contact_id)
        held = (contact.consent or {}).get("email")
        if held and held.get("status") == "granted":
            return contact
        transaction = Transaction()
        if not consent.repeats(statement, held, dated=dated):
            said = {**statement, consent.OPTED_OUT: True} if consent.opted_out(held) else statement
            consent.state_into(transaction, contact, "email", said, clock.parse(statement["at"]), evidence)
        if contact.email:
            asked = request_rows.asked(tenant, contact_id, contact.email, statement.get("source"), held, now)
            if request_rows.into(transaction, asked, asked.row()):
                keys.append(asked.key)
        if len(transaction):
            consent.commit(transaction)
        return model.get(tenant, contact_id)

    after = table.retried(once)
    _hand_over(tenant, keys)
    return after


def _required(tenant: str, source: str | None, method: str | None) -> bool:
    return rules.required(settings.of(tenant), source, method)


def _hand_over(tenant: str, keys: Sequence[str]) -> None:
    queues.send(CONFIRMATIONS, tenant, [{"tenant": tenant, "address_key": key} for key in keys])
