"""Somebody names customers whom we do not have: their profiles are asked for, once, however often they are named."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from drumbeat import clock, queues
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.customers import model
from drumbeat.contacts.customers.model import CUSTOMERS, MOST_IDS, PATIENCE, Customer, State, Wish
from drumbeat.table import ConditionFailed

# After so long, somebody whom the other system did not have is asked for again.
AGAIN = timedelta(days=1)
# When the sweep looks whether the message got lost.
FIRST_LOOK = timedelta(minutes=10)
READS = (Tenant,)
WRITES = (Customer,)
SENDS = (CUSTOMERS,)


def connected(tenant: str) -> bool:
    """Whether the tenant has a customer system. Reads Tenant, at most once a minute."""
    return settings.of(tenant).customer_system is not None


class NewWish(NamedTuple):
    """Something to be done once a customer is a contact: a kind of which `fetching` has a granter, its id (again is
    once), and what the granter needs."""

    kind: str
    wish_id: str
    wanted: Mapping[str, Any]


def want(tenant: str, named: Mapping[str | int, Sequence[NewWish]]) -> set[str]:
    """Have the profiles of these customers read, and keep what waits for them; gives those of them who may come: not
    those whom the other system did not have a short while ago. Without a connection that is nobody.

    Reads `READS`, writes `WRITES`, sends `SENDS`.
    """
    if not named or not connected(tenant):
        return set()
    wishes = {str(one): (isinstance(one, int), waiting) for one, waiting in named.items()}
    known = _rows(tenant, wishes)
    coming = [one for one in wishes if one not in known or _may_come(known[one])]
    for one in coming:  # before anything can be read: whoever reads grants what is there by then
        for waiting in wishes[one][1]:
            _keep(tenant, one, waiting)
    asked = [one for one in coming if _wanted(tenant, one, known.get(one), is_number=wishes[one][0])]
    others = _rows(tenant, (one for one in coming if one not in asked))
    ask(tenant, [*asked, *(one for one, row in others.items() if row.state != State.WANTED)])
    return set(coming)


def _rows(tenant: str, customers: Iterable[str]) -> dict[str, Customer]:
    return {row.customer: row for row in Customer.many(Customer.key(tenant, one) for one in customers)}


def _may_come(row: Customer) -> bool:
    over = row.asked_at is None or row.asked_at <= clock.wall() - AGAIN
    return over or row.state not in (State.ABSENT, State.GIVEN_UP)


def _keep(tenant: str, customer: str, wish: NewWish) -> None:
    """For thirty days from the last time that it is wished for; of two of one id the first is granted. An older one is
    not left as it is: it may be about to be deleted."""
    until = int((clock.wall() + PATIENCE).timestamp())
    Wish.change_at(
        *Wish.key(tenant, customer, f"{wish.kind}#{wish.wish_id}"),
        Wish.kind.set(wish.kind), Wish.wanted.set(Wish.wanted | dict(wish.wanted)), Wish.ttl.set(until),
    )  # fmt: skip


def _wanted(tenant: str, customer: str, row: Customer | None, *, is_number: bool) -> bool:
    """Note that a customer is wanted; whether that is news."""
    now = clock.wall()
    try:
        if row is None:
            row = model.new(tenant, customer, State.WANTED, is_number=is_number)
            row.gsi2pk, row.gsi2sk, row.asked_at = model.DUE, clock.iso(now + FIRST_LOOK), now
            row.create()
            return True
        if row.state == State.WANTED and row.gsi2pk is not None:
            return False
        row.change(
            Customer.state.set(State.WANTED.value), Customer.tries.set(0), Customer.asked_at.set(now),
            *model.due(now + FIRST_LOOK), unchanged=True,
        )  # fmt: skip
    except ConditionFailed:  # somebody else wants them just now
        return False
    return True


def ask(tenant: str, customers: Sequence[str], *, refresh: bool = False) -> None:
    """Have profiles read, a hundred in one request. Sends CUSTOMERS."""
    queues.send(
        CUSTOMERS, tenant,
        (
            {"tenant": tenant, "customers": list(customers[start : start + MOST_IDS]), "refresh": refresh}
            for start in range(0, len(customers), MOST_IDS)
        ),
    )  # fmt: skip
