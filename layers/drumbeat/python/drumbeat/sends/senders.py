"""Provider accounts: how fast each may send, who has work for it, and whether a governor is at work.

    pk                 sk        gsi1pk     gsi1sk
    SENDER#<account>   SENDER    SENDERS#all <account>      GLOBAL: the quota belongs to the account, not to a tenant

A governor runs while there is work. Two facts make sure that one of the two always sees the other: whoever adds work
raises `demand` and then starts the governor of the generation that it read; a governor that finds nothing to do ends
its generation only if `demand` is what it was when it looked.
"""

from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeSetAttribute

from drumbeat import clock, machines
from drumbeat.aws import client
from drumbeat.sends.work import GOVERN
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

# The index partition of all accounts. Keys have a `#` behind their type, or IAM could not tell types apart.
ALL = "SENDERS#all"
# The deployment's own SES account; a tenant's other providers get rows of their own.
SES = "ses"
# Until the account has been asked: the rate of SES's sandbox.
FIRST_RATE = 1.0
# A bucket may hold what was not used for a second, not more.
BURST = timedelta(seconds=1)


class Sender(Entity):
    """A provider account. `released_until` (wall time) is how far its capacity has been given away."""

    TYPE = "SENDER"
    GLOBAL = True
    INDEX_TYPES = {"gsi1": "SENDERS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    account = UnicodeAttribute()
    rate = NumberAttribute(default=FIRST_RATE)
    left_today = NumberAttribute(null=True)
    checked_at = InstantAttribute(null=True)
    released_until = InstantAttribute(null=True)
    demand = NumberAttribute(default=0)
    generation = NumberAttribute(default=1)
    governed_at = InstantAttribute(null=True)
    work = UnicodeSetAttribute(null=True)

    @staticmethod
    def key(account: str) -> tuple[str, str]:
        return f"SENDER#{account}", "SENDER"


def get(account: str = SES) -> Sender:
    """The account's row; made when it is first needed."""
    row = Sender.fetch(*Sender.key(account))
    if row is None:
        row = Sender(*Sender.key(account), gsi1pk=ALL, gsi1sk=account, account=account)
        try:
            row.create()
        except ConditionFailed as error:
            row = Sender.from_raw_data(error.found or {})
        refresh(row)
    return row


def refresh(row: Sender) -> None:
    """Ask SES what the account may send. It gives no rate headers, and drops what is over its quota."""
    account = client("sesv2").get_account()
    quota = account["SendQuota"]
    most = float(quota["Max24HourSend"])
    left = most - float(quota["SentLast24Hours"]) if most >= 0 else None  # -1: no daily limit
    cls = Sender
    row.change(
        cls.rate.set(max(0.1, float(quota["MaxSendRate"]))),
        cls.left_today.set(left) if left is not None else cls.left_today.remove(),
        cls.checked_at.set(clock.wall()),
    )


def add_work(account: str, tenant: str, send_id: str) -> None:
    """Say that a send has chunks for the account, and make sure that a governor is at work."""
    cls = Sender
    after = cls.change_at(
        *cls.key(account),
        cls.demand.add(1),
        cls.work.add({f"{tenant}#{send_id}"}),
        cls.governed_at.set(cls.governed_at | clock.wall()),
    )
    start_governor(account, int(after.get("generation", {"N": "1"})["N"]))


def start_governor(account: str, generation: int) -> None:
    state = {"account": account, "generation": generation, "round": 0}
    machines.start(GOVERN, f"{account}-{generation}", state)


def end_generation(row: Sender, idle: list[str], *, successor: bool = False) -> bool:
    """Stop governing, unless work was added since `row` was read. `idle` is the work that has no open chunk left.

    Without a `successor` nobody is at work from then on, so the sweeper need not wait for a silence to start a governor
    when a chunk becomes due.
    """
    cls = Sender
    actions: list[Any] = [cls.generation.add(1)]
    actions.append(cls.governed_at.set(clock.wall()) if successor else cls.governed_at.remove())
    if idle:
        actions.append(cls.work.delete(set(idle)))
    try:
        row.change(*actions, condition=(cls.demand == row.demand) & (cls.generation == row.generation))
    except ConditionFailed:
        return False
    return True


def take(row: Sender, wanted: int, now: datetime, horizon: timedelta) -> tuple[datetime, int]:
    """How many of `wanted` recipients the account can take within `horizon` from now (wall time), and from when on.

    A token bucket kept as one instant (the GCRA of ATM Forum TM 4.0): capacity up to `released_until` is given away.
    """
    start = max(row.released_until or now - BURST, now - BURST)
    room = (now + horizon - start).total_seconds() * float(row.rate)
    if row.left_today is not None:
        room = min(room, float(row.left_today))
    return start, max(0, min(wanted, int(room)))


def given(row: Sender, start: datetime, recipients: int) -> None:
    """Write down that capacity was given away. Raises ConditionFailed when another governor has taken over."""
    cls = Sender
    actions: list[Any] = [
        cls.released_until.set(start + timedelta(seconds=recipients / float(row.rate))),
        cls.governed_at.set(clock.wall()),
    ]
    if row.left_today is not None:
        actions.append(cls.left_today.set(max(0, int(row.left_today) - recipients)))
    row.change(*actions, condition=cls.generation == row.generation)
