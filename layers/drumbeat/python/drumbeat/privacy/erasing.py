"""Erasing a person: at once for everyone who asks, row by row in the background, and once more after a while.

The first transaction deletes the contact with its claims, and puts the keyed hash of its addresses among the
suppressions: from then on no send finds it (`contact_deleted`), and no file brings its consent back. What follows needs
only the id that the contact had. Some who were at work when it happened write a last row afterwards (a worker whose
mail was just accepted, the segments' stream), so there is a second look when they must have ended.
"""

import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drumbeat import clock, counts, files, ids, table
from drumbeat.contacts import addresses, changes, ledger, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.contacts.customers.model import Customer
from drumbeat.contacts.ledger import Entry, Evidence
from drumbeat.contacts.model import Contact
from drumbeat.contacts.opt_in import rules as opt_in
from drumbeat.contacts.opt_in.model import OptIn
from drumbeat.contacts.unsubscribes import Unsubscribe
from drumbeat.contacts.views import CHANNELS
from drumbeat.deliverability.soft_bounces import SoftBounces
from drumbeat.errors import NotFound
from drumbeat.privacy import holdings, model
from drumbeat.privacy.holdings import HOLDINGS, Person
from drumbeat.privacy.model import FOLDER, PrivacyRequest
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

# Longer than a worker's lease and the stream's batches (wall seconds).
SECOND_LOOK = 120
LOOKS = 2
ROUND_SECONDS = 20.0
# With what belongs to each they fit into the first transaction; the rest, earlier ones, follow with the ledger.
MOST_ADDRESSES = 8
NOBODY = "Nothing is stored of anyone with this id or address."
ERASED_FILE = b'{"erased": true}\n'


def person(tenant: str, contact_id: str | None, address: str | None) -> Person:
    """Who is meant by an id or an address. A contact that was deleted before still has a history under its id, and its
    addresses in the ledger. Raises NotFound when nothing is stored of anyone like that."""
    held = [suppressions.asked(address)] if address is not None else []
    contact = contacts.find_by_address(tenant, held[0]) if held else contacts.find(tenant, contact_id or "")
    if contact is not None:
        contact_id = contact.contact_id
        held += [one for one in (contact.email, contact.phone, contact.push_token) if one]
    elif contact_id is not None and not ids.is_id(contact_id, "con"):
        raise NotFound(NOBODY)
    if contact_id is not None:
        held += _told(tenant, contact_id)
    claims = tuple(dict.fromkeys(map(addresses.claim, held)))
    found = Person(tenant, contact_id, contact, claims, tuple(holdings.segments_of(tenant)))
    if contact is None and not holdings.counted(found):
        raise NotFound(NOBODY)
    return found


def _told(tenant: str, contact_id: str) -> list[str]:
    """The addresses that the contact's ledger knows, earlier ones too; not those that are another contact's by now."""
    told = [entry.personal or {} for entry in ledger.history(tenant, contact_id)]
    held = dict.fromkeys(addresses.claim(one[name]) for one in told for name in ("email", "phone") if name in one)
    owners = {one: contacts.find_by_address(tenant, one) for one in held}
    return [one for one, owner in owners.items() if owner is None or owner.contact_id == contact_id]


def request(tenant: str, contact_id: str | None, address: str | None, *, request_id: str, actor: str) -> PrivacyRequest:
    """Erase a person, and start to erase what is left of it. The same request again gives the stored one.

    Raises NotFound.
    """

    def once() -> PrivacyRequest:
        held = model.find(tenant, request_id)
        if held is not None:
            return held
        who = person(tenant, contact_id, address)
        row = model.made(tenant, "erasure", who.contact_id, who.addresses, request_id=request_id, actor=actor)
        row.counts = holdings.counted(who)
        try:
            _first(who, row, actor).commit()
        except TransactionRefused as refused:
            raise ConditionFailed(refused.found[0]) from refused
        return row

    row = table.retried(once)
    if row.state == "running":
        model.start(row)
    return row


def _first(who: Person, row: PrivacyRequest, actor: str) -> Transaction:
    """What is in force at once."""
    tenant, now = who.tenant, clock.business()
    transaction = Transaction()
    if who.contact is not None:
        contact = who.contact
        transaction.delete(Contact, contact.pk, contact.sk, contact.unchanged())
        changes.free(transaction, contacts.claims(contact), contact.contact_id)
        if contact.external_id:
            transaction.delete(Customer, *Customer.key(tenant, contact.external_id))
        counts.into(transaction, tenant, contacts.KIND, contact.contact_id, -1)
        if contact.consent:
            transaction.create(ledger.entry(contact, [], Evidence(actor, row.request_id), ends="deleted"))
    _hashed_into(transaction, tenant, who.addresses[:MOST_ADDRESSES], now)
    return transaction.create(row)


def _hashed_into(transaction: Transaction, tenant: str, claims: Sequence[str], now: datetime) -> None:
    """Put into the transaction that only hashes of these addresses are kept, among the suppressions."""
    for claim in claims:
        suppressions.erase_into(transaction, tenant, claim, now)
        transaction.delete(SoftBounces, *SoftBounces.key(tenant, claim))
        for channel in CHANNELS:
            transaction.delete(Unsubscribe, *Unsubscribe.key_of_address(tenant, claim, channel))
        if "@" in claim:
            transaction.delete(OptIn, *OptIn.key(tenant, opt_in.address_key(tenant, claim)))
    if claims:
        suppressions.mark_into(transaction, tenant)


def advance(row: PrivacyRequest) -> tuple[bool, int]:
    """Erase some more; (whether that was all, seconds to wait before the next round). Repeating it is harmless."""
    who = Person(row.tenant, row.contact, segments=tuple(holdings.segments_of(row.tenant)))
    for claim in _told(row.tenant, row.contact) if row.contact else ():  # before the ledger forgets them
        transaction = Transaction()
        _hashed_into(transaction, row.tenant, [claim], clock.business())
        transaction.commit()
    stop = time.monotonic() + ROUND_SECONDS
    while _some(who):
        if time.monotonic() >= stop:
            _move(row, PrivacyRequest.gsi2sk.set(model.due_from_now()))
            return False, 0
    forget_file(row)
    if row.looked + 1 < LOOKS and row.contact is not None:
        _move(row, PrivacyRequest.looked.set(row.looked + 1), PrivacyRequest.gsi2sk.set(model.due_from_now()))
        return False, SECOND_LOOK
    _move(row, *model.finished(row))
    return True, 0


def _some(who: Person) -> int:
    """Erase a batch of everything; gives how many rows there were."""
    return sum(one.erased(who) for one in HOLDINGS if one.erased)


def forget_file(row: PrivacyRequest) -> None:
    """Overwrite what the person may have asked for before: the file itself vanishes with its week."""
    name = model.file_of(row)
    if files.size(FOLDER, row.tenant, name) not in (None, len(ERASED_FILE)):
        files.write(FOLDER, row.tenant, name, ERASED_FILE, "application/json")


def _move(row: PrivacyRequest, *actions: Any) -> None:
    try:
        row.change(*actions, condition=PrivacyRequest.state == "running")
    except ConditionFailed:
        return


# What a function that starts an erasure declares, besides what it reads to count.
WRITES = (
    *contacts.WRITES, Customer, suppressions.Suppression, Unsubscribe, OptIn, SoftBounces, Entry, PrivacyRequest
)  # fmt: skip
