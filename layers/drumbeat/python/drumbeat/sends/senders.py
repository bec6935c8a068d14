"""Provider accounts: how fast each may send, who has work for it, and whether a governor is at work.

    pk                 sk        gsi1pk     gsi1sk
    SENDER#<account>   SENDER    SENDERS#all <account>      GLOBAL: the quota belongs to the account, not to a tenant

A governor runs while there is work. Two facts make sure that one of the two always sees the other: whoever adds work
raises `demand` and then starts the governor of the generation that it read; a governor that finds nothing to do ends
its generation only if `demand` is what it was when it looked.
"""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

from pynamodb.attributes import UnicodeSetAttribute

from drumbeat import channels, clock, machines, providers
from drumbeat.channels import Account
from drumbeat.sends import throttling
from drumbeat.sends.work import GOVERN
from drumbeat.table import (
    ConditionFailed,
    Entity,
    InstantAttribute,
    NumberAttribute,
    UnicodeAttribute,
    index,
    retried,
)

# The index partition of all accounts. Keys have a `#` behind their type, or IAM could not tell types apart.
ALL = "SENDERS#all"
# The deployment's own SES account; a tenant's other providers get rows of their own.
SES = "ses"
OWN = Account(SES, "email", "ses")
# Until the account has been asked: the rate of SES's sandbox.
FIRST_RATE = 1.0
# A bucket may hold what was not used for a second, not more.
BURST = timedelta(seconds=1)
# Why an account is held.
THROTTLED, DAILY_QUOTA = "throttled", "daily_quota"


class Sender(Entity):
    """A provider account, of a `tenant` or the deployment's own. `released_until` (wall time) is how far its capacity
    has been given away.

    `slow_rate` is what it was slowed down to at `slowed_at` (wall time), when the provider throttled it
    (drumbeat.sends.throttling); until `held_until` (wall time) nothing is released, for `held_reason`. `left_today` is
    what the provider says; `a_day` is a daily limit that we count ourselves: of it `used` were given away on the day
    `used_on` (of UTC, wall time). `circuit` and what follows it are of drumbeat.sends.circuit, in business time.
    `revived_at` is when a sweep last put a new governor in the place of a dead one.
    """

    TYPE = "SENDER"
    GLOBAL = True
    INDEX_TYPES = {"gsi1": "SENDERS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    account = UnicodeAttribute()
    tenant = UnicodeAttribute(null=True)
    channel = UnicodeAttribute(default="email")
    provider = UnicodeAttribute(default="ses")
    rate = NumberAttribute(default=FIRST_RATE)
    left_today = NumberAttribute(null=True)
    a_day = NumberAttribute(null=True)
    used = NumberAttribute(null=True)
    used_on = UnicodeAttribute(null=True)
    checked_at = InstantAttribute(null=True)
    released_until = InstantAttribute(null=True)
    demand = NumberAttribute(default=0)
    generation = NumberAttribute(default=1)
    governed_at = InstantAttribute(null=True)
    work = UnicodeSetAttribute(null=True)
    revived_at = InstantAttribute(null=True)
    slow_rate = NumberAttribute(null=True)
    slowed_at = InstantAttribute(null=True)
    slow_reason = UnicodeAttribute(null=True)
    held_until = InstantAttribute(null=True)
    held_reason = UnicodeAttribute(null=True)
    failures = NumberAttribute(null=True)
    failed_at = InstantAttribute(null=True)
    failure_reason = UnicodeAttribute(null=True)
    circuit = UnicodeAttribute(null=True)
    circuit_since = InstantAttribute(null=True)
    circuit_until = InstantAttribute(null=True)
    circuit_pause = NumberAttribute(null=True)
    probe = UnicodeAttribute(null=True)

    @staticmethod
    def key(account: str) -> tuple[str, str]:
        return f"SENDER#{account}", "SENDER"


def get(account: str = SES) -> Sender:
    """The account's row; the deployment's own is made when it is first needed, others by `of`. Raises LookupError."""
    row = Sender.fetch(*Sender.key(account))
    return _known(row or made(_own(account)))


def of(account: Account) -> Sender:
    """The row of an account; made when it is first needed."""
    return _known(Sender.fetch(*Sender.key(account.id)) or made(account))


def _own(account: str) -> Account:
    if account != SES:
        raise LookupError(f"nothing was ever sent over the account {account}")
    return OWN


def _known(row: Sender) -> Sender:
    """The row with what the account may send."""
    if row.checked_at is None:  # also when whoever made the row died here: a send would get chunks of one mail each
        refresh(row)
    return row


def made(account: Account) -> Sender:
    """A new row for an account, of which nothing is known yet; the stored one if somebody was quicker."""
    row = Sender(
        *Sender.key(account.id), gsi1pk=ALL, gsi1sk=account.id, account=account.id, tenant=account.tenant,
        channel=account.channel, provider=account.provider,
    )  # fmt: skip
    try:
        row.create()
    except ConditionFailed as error:
        return Sender.from_raw_data(error.found or {})
    return row


def account_of(row: Sender) -> Account:
    """The account of a row. Raises NotFound for one that its tenant has deleted."""
    return providers.account(row.tenant or "", row.channel, row.account)


def refresh(row: Sender) -> None:
    """Ask what the account may send. SES, for one, gives no rate headers, and drops what is over its quota."""
    rate, left, a_day = channels.provider(row.channel, row.provider).capacity(account_of(row))
    cls = Sender
    actions: list[Any] = [
        cls.rate.set(rate),
        cls.left_today.set(left) if left is not None else cls.left_today.remove(),
        cls.a_day.set(a_day) if a_day is not None else cls.a_day.remove(),
        cls.checked_at.set(clock.wall()),
    ]
    if row.held_reason == DAILY_QUOTA and left is not None and left >= 1:
        actions += [cls.held_until.remove(), cls.held_reason.remove()]
    row.change(*actions)


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


def forget_work(row: Sender, over: list[str]) -> None:
    """Of this work no chunk is open. Work that was added since `row` was read may be of the same send: then nothing
    is forgotten."""
    try:
        row.change(Sender.work.delete(set(over)), condition=Sender.demand == row.demand)
    except ConditionFailed:
        return


def retire(account: str) -> bool:
    """Forget an account over which nothing will be sent any more; False when a send has open chunks for it."""
    row = Sender.fetch(*Sender.key(account))
    if row is None:
        return True
    try:
        row.delete(Sender.work.does_not_exist(), add_version_condition=False)
    except ConditionFailed:
        return False
    return True


def start_governor(account: str, generation: int) -> None:
    state = {"account": account, "generation": generation, "round": 0}
    machines.start(GOVERN, f"{account}-{generation}", state)


def rate_now(row: Sender, now: datetime) -> float:
    """Recipients a second that the account may be given at a wall time: its rate, or less since it was throttled."""
    return throttling.rate(float(row.rate), row.slow_rate and float(row.slow_rate), row.slowed_at, now)


def slow_down(account: str, reason: str, wait: timedelta) -> None:
    """The provider has throttled the account: nothing is released for `wait` (wall time), and from then on half as much
    as before. What several workers are told of one moment counts once."""
    cls, now = Sender, clock.wall()

    def once() -> Sender:
        row = cls.fetch(*cls.key(account)) or made(_own(account))
        held = max(row.held_until or now, now + wait)
        actions: list[Any] = [cls.held_until.set(held), cls.held_reason.set(THROTTLED), cls.released_until.set(held)]
        if row.slowed_at is None or now - row.slowed_at >= throttling.TOGETHER:
            slower = throttling.halved(float(row.rate), rate_now(row, now))
            actions += [cls.slow_rate.set(slower), cls.slowed_at.set(now), cls.slow_reason.set(reason)]
        row.change(*actions, unchanged=True)
        return row

    retried(once)


def hold(account: str, reason: str, wait: timedelta) -> None:
    """Release nothing of the account for so long (wall time), unless it is held for longer."""
    cls, until = Sender, clock.wall() + wait
    longer = cls.held_until.does_not_exist() | (cls.held_until < until)
    with contextlib.suppress(ConditionFailed):
        cls.change_at(
            *cls.key(account), cls.held_until.set(until), cls.held_reason.set(reason),
            condition=cls.pk.exists() & longer,
        )  # fmt: skip


def end_generation(row: Sender, idle: list[str], *, successor: bool = False, revived: bool = False) -> bool:
    """Stop governing, unless work was added since `row` was read. `idle` is the work that has no open chunk left.

    Without a `successor` nobody is at work from then on, so the sweeper need not wait for a silence to start a governor
    when a chunk becomes due. `revived` is told: the successor takes the place of one that died.
    """
    cls = Sender
    actions: list[Any] = [cls.generation.add(1)]
    actions.append(cls.governed_at.set(clock.wall()) if successor else cls.governed_at.remove())
    if revived:
        actions.append(cls.revived_at.set(clock.business()))
    if idle:
        actions.append(cls.work.delete(set(idle)))
    try:
        row.change(*actions, condition=(cls.demand == row.demand) & (cls.generation == row.generation))
    except ConditionFailed:
        return False
    return True


def left_today(row: Sender, now: datetime) -> float | None:
    """How many recipients the account may be given today, at a wall time; None without a daily limit."""
    if row.a_day is None:
        return None if row.left_today is None else float(row.left_today)
    return max(0.0, float(row.a_day) - _used(row, now))


def _used(row: Sender, now: datetime) -> int:
    return int(row.used or 0) if row.used_on == _day(now) else 0


def _day(now: datetime) -> str:
    return now.astimezone(UTC).date().isoformat()


def take(row: Sender, wanted: int, now: datetime, horizon: timedelta) -> tuple[datetime, int]:
    """How many of `wanted` recipients the account can take within `horizon` from now (wall time), and from when on.

    A token bucket kept as one instant (the GCRA of ATM Forum TM 4.0): capacity up to `released_until` is given away.
    """
    start = max(row.released_until or now - BURST, now - BURST, row.held_until or now - BURST)
    room = (now + horizon - start).total_seconds() * rate_now(row, now)
    left = left_today(row, now)
    if left is not None:
        room = min(room, left)
    return start, max(0, min(wanted, int(room)))


def given(row: Sender, start: datetime, recipients: int) -> None:
    """Write down that capacity was given away. Raises ConditionFailed when another governor has taken over."""
    cls, now = Sender, clock.wall()
    actions: list[Any] = [
        cls.released_until.set(start + timedelta(seconds=recipients / rate_now(row, now))),
        cls.governed_at.set(now),
    ]
    if row.a_day is not None:
        actions += [cls.used.set(_used(row, now) + recipients), cls.used_on.set(_day(now))]
    elif row.left_today is not None:
        actions.append(cls.left_today.set(max(0, int(row.left_today) - recipients)))
    row.change(*actions, condition=cls.generation == row.generation)
