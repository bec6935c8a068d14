"""Sends that take recipients for a day, as journeys make them: nobody plans them, and when their day is over they are
sealed. From then on they are planned whole, and end as all sends do."""

from contextlib import suppress
from datetime import datetime, timedelta

from drumbeat import clock
from drumbeat.sends.model import SHARDS, Send, SendState
from drumbeat.table import ConditionFailed

# `Send.origin` of such sends.
JOURNEY = "journey"
# The longest day, that of a change of clocks, and what is under way at its end (business time).
DAY = timedelta(hours=26)
# No function runs for longer (wall time): whoever found the day not over has ended.
RUNS = timedelta(minutes=20)
# How often a sweep looks at one that is open.
AGAIN = timedelta(minutes=5)


def is_daily(send: Send) -> bool:
    return bool(send.origin == JOURNEY)


def seal(send: Send, now: datetime) -> bool:
    """Take no more recipients, if the day is over; whether it is sealed. Writes Send."""
    if send.planned_whole:
        return True
    over = send.launched_at + DAY
    if now < over or clock.wall() < clock.wall_time_of(over) + RUNS:
        return False
    with suppress(ConditionFailed):
        send.change(
            Send.planned.set(set(range(SHARDS))), Send.planned_at.set(clock.wall()),
            condition=Send.planned.does_not_exist(),
        )  # fmt: skip
    return True


def finish(send: Send, recipients: int, now: datetime) -> None:
    """No chunk is open any more, and none comes: it is over. Writes Send."""
    with suppress(ConditionFailed):
        send.change(
            Send.state.set(SendState.SENT.value), Send.audience_size.set(recipients), Send.finished_at.set(now),
            condition=Send.state.is_in(SendState.SENDING.value, SendState.PAUSED.value),
        )  # fmt: skip
