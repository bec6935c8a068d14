"""Reading the profiles of customers who are wanted: all of a tenant that are in hand in one request.

What fails is tried again, later each time, by the customer's row and the sweep: a message that comes again would be
given up after five tries, and an outage may last a day. A customer system that is slow holds up nobody else's for long:
a request ends after ten seconds.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from drumbeat import clock, table
from drumbeat.accounts import settings
from drumbeat.contacts import model as contacts
from drumbeat.contacts.customers import applying, arriving, client, model, profiles, wanting
from drumbeat.contacts.customers.client import Failed
from drumbeat.contacts.customers.meaning import Told
from drumbeat.contacts.customers.model import MOST_IDS, Customer, CustomersMessage, State, Wish
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import Channel
from drumbeat.logs import counted, logger
from drumbeat.table import ConditionFailed, tenancy

FIRST, LONGEST = timedelta(minutes=5), timedelta(hours=6)
# With the pauses between them: about three days.
MOST_TRIES = 20
# In one run; what it leaves comes first in the next.
MOST_SWEPT = 500

READS = applying.READS
WRITES = applying.WRITES
# Grants a wish: the kind's own next step, for this contact.
Granter = Callable[[Contact, Sequence[Wish]], None]


def work_off(messages: Sequence[CustomersMessage], granters: Mapping[str, Granter]) -> None:
    """Apply the events, and read the profiles that are asked for, those that events only point at among them."""
    by_tenant: dict[str, list[CustomersMessage]] = {}
    for message in messages:
        by_tenant.setdefault(message.tenant, []).append(message)
    for tenant, of_tenant in by_tenant.items():
        with tenancy.only(tenant):
            _work_off(tenant, of_tenant, granters)


def _work_off(tenant: str, messages: Sequence[CustomersMessage], granters: Mapping[str, Granter]) -> None:
    wanted: dict[str, bool] = {}
    for message in messages:
        named = message.customers
        if message.event is not None:
            named = arriving.applied(tenant, message.event)
            grant(tenant, str(message.event["customer"]), granters)
        refresh = message.refresh or message.event is not None
        wanted.update((one, wanted.get(one, False) or refresh) for one in named)
    ids = sorted(wanted)
    for start in range(0, len(ids), MOST_IDS):
        _fetch(tenant, {one: wanted[one] for one in ids[start : start + MOST_IDS]}, granters)


def _fetch(tenant: str, named: Mapping[str, bool], granters: Mapping[str, Granter]) -> None:
    """Read these profiles, of those whom we have only the ones to be refreshed."""
    rows = {row.customer: row for row in Customer.many(Customer.key(tenant, one) for one in named)}
    asked = [one for one, refresh in named.items() if refresh or _is_open(rows.get(one))]
    system = settings.of(tenant).customer_system
    if system is None:
        for row in rows.values():
            _end(row, State.GIVEN_UP, "there is no customer system any more")
        return
    try:
        found = client.profiles(tenant, system, asked) if asked else {}
    except Failed as failed:
        about = {"tenant": tenant, "reason": failed.reason, "asked": len(asked)}
        logger.warning("customers were not told", extra=about)
        counted("CustomersNotTold")
        for one in asked:
            _later(tenant, one, rows.get(one), failed)
        return
    for one in named:
        if one in found:
            _applied(tenant, one, rows.get(one), found[one])
        elif one in asked and one in rows:
            _end(rows[one], State.ABSENT, "the customer system has no such customer")
        grant(tenant, one, granters)


def _is_open(row: Customer | None) -> bool:
    """Whether a profile is to be read, and not only later: after a failure the sweep says when."""
    return row is not None and row.state == State.WANTED and not row.tries


def _applied(tenant: str, customer: str, row: Customer | None, told: Mapping[str, object]) -> None:
    profile = profiles.read(told)
    if profile.problems:
        logger.warning("a profile has fields that cannot be read", extra={"tenant": tenant, "fields": profile.problems})
    now = clock.business()
    place = model.place(profile.at or now, "")
    said: dict[Channel, str] = {}
    if row is not None and row.granted:
        said = {channel: "granted" for channel, wanted in profile.opt_ins.items() if wanted}
        place = max(place, str(row.granted))
    is_number = isinstance(told.get("id"), int) or bool(row and row.is_number)
    applying.apply(Told(tenant, customer, place, profile, said, is_number, fetched=True))


def _later(tenant: str, customer: str, row: Customer | None, failed: Failed) -> None:
    """Ask again, after twice as long each time, or give up at last; visibly."""
    tries = int(row.tries or 0) + 1 if row is not None else 1
    state = State.GIVEN_UP if tries >= MOST_TRIES else State.WANTED
    at = clock.wall() + pause(tries, failed)
    when = model.not_due() if state == State.GIVEN_UP else model.due(at)
    try:
        if row is None:
            made = model.new(tenant, customer, State.WANTED)
            made.gsi2pk, made.gsi2sk, made.reason, made.tries = model.DUE, clock.iso(at), failed.reason, tries
            made.create()
        else:
            row.change(
                Customer.state.set(state.value), Customer.tries.set(tries), Customer.reason.set(failed.reason), *when,
                unchanged=True,
            )  # fmt: skip
    except ConditionFailed:  # somebody else has asked meanwhile
        return


def pause(tries: int, failed: Failed) -> timedelta:
    """How long to wait before the next try: twice as long each time, at least as long as the other system wants, and at
    once as long as possible when it does not take our token. With jitter, so that not all come at one moment."""
    backoff = LONGEST if failed.credentials else min(FIRST * 2 ** min(tries - 1, 16), LONGEST)
    return max(backoff * random.uniform(0.75, 1.25), failed.wait or timedelta())


def _end(row: Customer, state: State, reason: str) -> None:
    """Ask no more. Whoever names the customer tomorrow has them asked for again."""
    try:
        row.change(
            Customer.state.set(state.value), Customer.reason.set(reason), Customer.asked_at.set(clock.wall()),
            *model.not_due(), unchanged=True,
        )  # fmt: skip
    except ConditionFailed:  # somebody else has asked, or told, meanwhile
        return


def grant(tenant: str, customer: str, granters: Mapping[str, Granter]) -> None:
    """Do what waited for this contact. A wish goes when it was granted; granting one twice is harmless."""
    wishes = list(table.rows(Wish, Wish.key(tenant, customer, "")[0], prefix="WISH#"))
    contact = contacts.find_by_external_id(tenant, customer) if wishes else None
    if contact is None:
        return
    kinds = dict.fromkeys(wish.kind for wish in wishes)
    for kind in kinds:
        if kind in granters:
            granters[kind](contact, [wish for wish in wishes if wish.kind == kind])
    table.write_many(deletes=((wish.pk, wish.sk) for wish in wishes if wish.kind in granters))


def sweep() -> int:
    """Have those asked for again whose next try is due; gives how many."""
    now = clock.wall()
    found = table.keys_in_index(2, model.DUE, newest_first=False, limit=MOST_SWEPT)
    asked: dict[str, list[str]] = {}
    for row in Customer.many((pk, sk) for pk, sk, place in found if place <= clock.iso(now)):
        try:
            row.change(*model.due(now + wanting.FIRST_LOOK), condition=Customer.gsi2sk == row.gsi2sk)
        except ConditionFailed:
            continue
        asked.setdefault(row.tenant, []).append(row.customer)
    for tenant, customers in asked.items():
        wanting.ask(tenant, customers, refresh=True)
    return sum(map(len, asked.values()))
