"""Sending the mails that ask for a confirmation, each once: a claim comes before the call, with the hash of its link.

A mail of which nobody knows whether it left is not repeated by itself: it stays `unknown`, its link works if it
arrived, and it can be asked for again. Single mails go at once; what an import asked for goes at the account's rate
(`sweep`).
"""

import itertools
import secrets
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from email.utils import formataddr

from pynamodb.expressions.update import Action

from drumbeat import clock, queues, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.settings import Settings
from drumbeat.channels import Call
from drumbeat.channels.email import ses
from drumbeat.channels.outcomes import CallResult, CallState, Fate
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import lapsing, request_rows, rules
from drumbeat.contacts.opt_in import model as opt_in
from drumbeat.contacts.opt_in.model import CONFIRMATIONS, OptIn, due_again
from drumbeat.contacts.opt_in.rules import Token
from drumbeat.contacts.suppressions import Suppression
from drumbeat.deliverability import identities
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.logs import counted, logger
from drumbeat.sends import circuit, confirmation_mail, environment, gate, rendering, senders
from drumbeat.sends.confirmation_mail import Tags
from drumbeat.sends.environment import Environment
from drumbeat.slugs import Slug
from drumbeat.table import ConditionFailed
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template

# What the sender of these mails declares.
READS = (Contact, Suppression, Tenant, Template, Slug, Block, Identity, Claim, Environment)
# Longer than the worker may run (wall time).
LEASE = timedelta(seconds=90)
# A message that was handed over and did nothing is handed over again after this (wall time).
HANDED_OVER = timedelta(minutes=10)
THROTTLED, REFUSED_ACCOUNT = timedelta(minutes=1), timedelta(minutes=15)
# Campaigns are released at most two minutes ahead: with this, confirmations get a minute's worth beside them.
HORIZON = timedelta(minutes=3)
MOST_A_SHARD = 500


def deliver(tenant: str, address_key: str, now: datetime) -> None:
    """Send the mail that is due to an address, if it still is. Reads `READS`; writes OptIn, Sender."""
    row = OptIn.fetch(*OptIn.key(tenant, address_key))
    if row is None or row.state != "due":
        return
    contact = contacts.find(tenant, row.contact)
    chosen = settings.fresh(tenant)
    obstacle = _obstacle(row, contact, chosen, now)
    if obstacle is not None or contact is None:
        _block(row, obstacle or "contact_deleted", now + request_rows.lasts(tenant))
        return
    route = identities.route(tenant, chosen.sender_email or "")
    secret = secrets.token_bytes(16)
    until = now + timedelta(seconds=chosen.confirmation_seconds)
    base = chosen.tracking_base or rendering.public_url()
    link = f"{base}/confirm/{rules.token(Token(tenant, address_key, secret))}"
    tags = Tags(tenant, address_key, rules.hashed(secret)[:16])
    letter = confirmation_mail.write(contact, chosen, link, until, now, tags)
    verdict = gate.ask(senders.SES)
    if not verdict.may_call:
        _later(row, verdict)
        return
    if not _claim(row, secret, until, letter.note, now):
        gate.heard(verdict, None)
        return
    sender = formataddr((chosen.sender_name or "", chosen.sender_email or ""))
    result = ses.send(Call(senders.OWN, sender, letter.template, [letter.mail], route=route._asdict()))
    logger.info("confirmation", extra={"address_key": address_key, "state": result.state, "reason": result.reason})
    table.retried(lambda: _noted(row, rules.hashed(secret), result, until))
    gate.heard(verdict, result)


def _obstacle(row: OptIn, contact: Contact | None, chosen: Settings, now: datetime) -> str | None:
    """Why no mail may go out now: looked at right before the call, with what is true then."""
    if contact is None:
        return "contact_deleted"
    if not contact.email or rules.address_key(row.tenant, contact.email) != row.address_key:
        return "address_changed"
    held = (contact.consent or {}).get("email") or {}
    if held.get("status") != "pending":
        return f"consent_{held.get('status', 'gone')}"
    suppressed = suppressions.find(row.tenant, contact.email)
    barred = rules.barred(None, suppressed.reason if suppressed else None)
    if barred:
        return barred
    if not chosen.sender_email or not chosen.sender_name:
        return "no_sender"
    if not identities.may_send(row.tenant, chosen.sender_email):
        return "sender_not_verified"
    if not chosen.postal_address:
        return "no_postal_address"
    at = row.next_mail_at(now)
    return "limit" if at is None or at > now else None


def _block(row: OptIn, reason: str, look_at: datetime) -> None:
    try:
        row.change(OptIn.state.set("blocked"), OptIn.reason.set(reason), *due_again(row, look_at), unchanged=True)
    except ConditionFailed:
        logger.info("somebody else has the confirmation", extra={"address_key": row.address_key})


def _later(row: OptIn, verdict: gate.Verdict) -> None:
    """No mail may leave now: it stays due. Of data that is not at home nothing is changed."""
    if verdict.again is None:
        return
    try:
        row.change(*due_again(row, verdict.again), condition=OptIn.state == "due", unchanged=True)
    except ConditionFailed:
        logger.info("somebody else has the confirmation", extra={"address_key": row.address_key})


def _claim(row: OptIn, secret: bytes, until: datetime, note: str | None, now: datetime) -> bool:
    """Take the mail: from here on it is this worker's, or a doubt."""
    lease = clock.wall() + LEASE
    mail = {
        "token": rules.hashed(secret), "at": clock.iso(now), "expires_at": clock.iso(until), "outcome": "sending",
    }  # fmt: skip
    try:
        row.change(
            OptIn.state.set("sending"),
            OptIn.mails.set([*(row.mails or []), mail]),
            OptIn.lease_until.set(lease),
            OptIn.reason.set(note) if note else OptIn.reason.remove(),
            *due_again(row, clock.business_time_of(lease)),
            condition=OptIn.state == "due",
            unchanged=True,
        )
    except ConditionFailed:
        return False
    return True


def _noted(row: OptIn, token: str, result: CallResult, until: datetime) -> OptIn:
    """Write down what the provider said. A mail that did not leave is taken back, and is due again."""
    current = OptIn.fetch(row.pk, row.sk)
    if current is None:
        return row
    outcome, reason = _outcome(result)
    mails = [
        {**mail, "outcome": outcome} if mail["token"] == token else mail
        for mail in current.mails
        if outcome != "due" or mail["token"] != token
    ]
    actions: list[Action] = [OptIn.mails.set(mails)]
    if current.state in ("sending", "unknown") and current.mails[-1]["token"] == token:
        wait = REFUSED_ACCOUNT if result.state == CallState.ACCOUNT else THROTTLED
        look_at = until if outcome != "due" else clock.business_time_of(clock.wall() + wait)
        actions += [OptIn.state.set(outcome), *due_again(current, look_at)]
        if reason:
            actions.append(OptIn.reason.set(reason[:200]))
    current.change(*actions, unchanged=True)
    if outcome == "sent":
        counted("Confirmations")
    return current


def _outcome(result: CallResult) -> tuple[str, str | None]:
    """The state of the request after the call: sent, failed, unknown, or due again."""
    if result.state == CallState.UNKNOWN:
        return "unknown", result.reason
    if result.state == CallState.REFUSED:
        return "failed", result.reason
    if result.state != CallState.ANSWERED:
        return "due", result.reason
    (entry,) = result.entries
    return {Fate.ACCEPTED: "sent", Fate.REJECTED: "failed", Fate.AGAIN: "due"}[entry.fate], entry.reason


def sweep(now: datetime) -> dict[str, int]:
    """Do what is due: hand mails over, as many as the account takes and tenants in turn; doubt those whose worker died;
    let expire what nobody confirmed. Reads Contact, Tenant; writes `consent.WRITES`, OptIn, Sender."""
    if not environment.is_home():
        return {"handed_over": 0, "over": 0, "left": 0}
    rows = [row for shard in range(opt_in.SHARDS) for row in _due(shard, now)]
    waiting, over = [row for row in rows if row.state == "due"], [row for row in rows if row.state != "due"]
    for row in over:
        _guarded(row, now)
    handed = _hand_over(waiting) if waiting else 0
    return {"handed_over": handed, "over": len(over), "left": len(waiting) - handed}


def _guarded(row: OptIn, now: datetime) -> None:
    """One that fails holds up no other; it is looked at again in a minute."""
    try:
        if row.state == "sending":
            lapsing.doubt(row)
        elif row.state != "confirmed":
            lapsing.expire(row, now)
    except Exception:  # noqa: BLE001 - whatever it is, the others are looked at all the same
        logger.exception("the sweep failed", extra={"address_key": row.address_key})


def _due(shard: int, now: datetime) -> list[OptIn]:
    found = table.keys_in_index(2, opt_in.partition(shard), newest_first=False, limit=MOST_A_SHARD)
    due = itertools.takewhile(lambda key: key[2] <= clock.iso(now), found)
    return [row for row in OptIn.many((pk, sk) for pk, sk, _ in due) if row.gsi2sk and row.gsi2sk <= clock.iso(now)]


def _hand_over(rows: list[OptIn]) -> int:
    """Put the mails of these rows on the queue, within what the account may send."""
    account = senders.get()
    wanted = len(rows) if account.circuit is None else 1  # the probe of a circuit that is not closed
    if circuit.opens_at(account, clock.business()) is not None:
        return 0
    start, number = senders.take(account, wanted, clock.wall(), HORIZON)
    if not number:
        return 0
    try:
        senders.given(account, start, number)
    except ConditionFailed:
        return 0
    later = clock.business_time_of(clock.wall() + HANDED_OVER)
    handed = 0
    for row in itertools.islice(_in_turn(rows), number):
        try:
            row.change(*due_again(row, later), condition=OptIn.state == "due", unchanged=True)
        except ConditionFailed:
            continue
        queues.send(CONFIRMATIONS, row.tenant, [{"tenant": row.tenant, "address_key": row.address_key}])
        handed += 1
    return handed


def _in_turn(rows: list[OptIn]) -> Iterable[OptIn]:
    """One of each tenant, then the next of each: a large import does not hold up the others."""
    by_tenant: dict[str, list[OptIn]] = defaultdict(list)
    for row in rows:
        by_tenant[row.tenant].append(row)
    rounds = itertools.zip_longest(*by_tenant.values())
    return (row for some in rounds for row in some if row is not None)


# What the sweeper writes.
SWEEPS = (*consent.WRITES, OptIn, senders.Sender)
