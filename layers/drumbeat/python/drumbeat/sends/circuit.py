"""The circuit breaker of a provider account: an outage delays chunks, and turns none of them into a doubt.

Closed: calls are made. After `THRESHOLD` calls in a row that nobody answered (connection refused or timed out, 5xx) it
opens: no call until `circuit_until`. Then it is half open: one chunk goes through as a probe, under a lease, for the
worker that has it may die. An answer of any kind closes the circuit; none opens it for twice as long, `MOST_PAUSE` at
most. The state is on the account's row and is written only by calls that fail, or while it is not closed: what is
healthy costs nothing. Times are business time.
"""

import contextlib
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from drumbeat import clock, ids
from drumbeat.logs import counted, logger
from drumbeat.sends.senders import Sender
from drumbeat.table import ConditionFailed

THRESHOLD = 5
# A failure that is older than this is not in a row with the next one.
IN_A_ROW = timedelta(minutes=5)
FIRST_PAUSE, MOST_PAUSE = timedelta(seconds=30), timedelta(minutes=10)
# Wall time: longer than the worker that has the probe may run.
LEASE = timedelta(seconds=90)


class State(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


def state(row: Sender, now: datetime) -> State:
    """An open circuit whose pause is over waits for its probe: that is half open, too."""
    if row.circuit is None:
        return State.CLOSED
    return State.HALF_OPEN if row.circuit == State.HALF_OPEN or _is_over(row, now) else State.OPEN


def opens_at(row: Sender, now: datetime) -> datetime | None:
    """When the next call may be made: None for now, be it as the probe."""
    return None if row.circuit is None or _is_over(row, now) else row.circuit_until


def _is_over(row: Sender, now: datetime) -> bool:
    return row.circuit_until is None or row.circuit_until <= now


def take_probe(row: Sender) -> str | None:
    """Take the one call that may be made while the circuit is not closed; None when somebody else has it."""
    cls, named, now = Sender, ids.new("prb"), clock.business()
    try:
        row.change(
            cls.circuit.set(State.HALF_OPEN.value),
            cls.probe.set(named),
            cls.circuit_until.set(clock.business_time_of(clock.wall() + LEASE)),
            condition=cls.circuit_until <= now,  # closing removes it
        )
    except ConditionFailed:
        row.refresh(consistent_read=True)
        return None
    return named


def give_up_probe(row: Sender, probe: str) -> None:
    """No call came of it: the next chunk may be the probe."""
    cls = Sender
    with contextlib.suppress(ConditionFailed):
        row.change(
            cls.circuit.set(State.OPEN.value), cls.circuit_until.set(clock.business()), cls.probe.remove(),
            condition=cls.probe == probe,
        )  # fmt: skip


def answered(row: Sender, probe: str | None) -> None:
    """The provider has answered. Closes the circuit if that was its probe; ends a row of failures. Writes nothing when
    there is nothing to say."""
    cls = Sender
    row_ended: list[Any] = [cls.failures.remove(), cls.failed_at.remove(), cls.failure_reason.remove()]
    if probe is not None:
        closed: list[Any] = [
            cls.circuit.remove(), cls.circuit_since.remove(), cls.circuit_until.remove(), cls.circuit_pause.remove(),
            cls.probe.remove(),
        ]  # fmt: skip
        if _changed(row, [*row_ended, *closed], cls.probe == probe):
            logger.info("the circuit is closed", extra={"account": row.account})
    elif row.failures is not None and row.circuit is None:
        _changed(row, row_ended, cls.circuit.does_not_exist())


def failed(row: Sender, reason: str, probe: str | None) -> None:
    """Nobody has answered."""
    cls, now = Sender, clock.business()
    if probe is not None:
        pause = min(MOST_PAUSE, 2 * timedelta(seconds=int(row.circuit_pause or 0)))
        _changed(row, _opened(now, pause, reason), cls.probe == probe)
        return
    _counted(row, reason, now)
    if row.circuit is None and row.failures is not None and row.failures >= THRESHOLD:
        opened = [*_opened(now, FIRST_PAUSE, reason), cls.circuit_since.set(now)]
        if _changed(row, opened, cls.circuit.does_not_exist() & (cls.failures >= THRESHOLD)):
            logger.warning("the circuit is open", extra={"account": row.account, "reason": reason})
            counted("CircuitsOpened")


def _counted(row: Sender, reason: str, now: datetime) -> None:
    """One failure more, or the first one of a row."""
    cls = Sender
    told = [cls.failed_at.set(now), cls.failure_reason.set(reason)]
    earliest, closed = now - IN_A_ROW, cls.circuit.does_not_exist()
    one_more = partial(_changed, row, [*told, cls.failures.add(1)], closed & (cls.failed_at >= earliest))
    none_recent = cls.failed_at.does_not_exist() | (cls.failed_at < earliest)
    if not one_more() and not _changed(row, [*told, cls.failures.set(1)], closed & none_recent):
        one_more()  # somebody else has begun the row in this moment, or the circuit is open


def _opened(now: datetime, pause: timedelta, reason: str) -> list[Any]:
    cls = Sender
    return [
        cls.circuit.set(State.OPEN.value), cls.circuit_until.set(now + pause), cls.probe.remove(),
        cls.circuit_pause.set(int(pause.total_seconds())), cls.failed_at.set(now), cls.failure_reason.set(reason),
    ]  # fmt: skip


def _changed(row: Sender, actions: list[Any], condition: Any) -> bool:
    """Change the account's row if the condition holds; either way `row` is what is stored then."""
    try:
        row.change(*actions, condition=condition)
    except ConditionFailed:
        row.refresh(consistent_read=True)
        return False
    return True
