"""Where work lies that was given up, what is known of it, and how it is put back.

    deliver, feedback, …      messages that failed five times                        back to their queue
    feedback-unsubscribed     what SNS could not put on a queue                      to the queue
    <function>-unsubscribed   what SNS could not post to a function's URL            to the function
    undelivered               events, clocks and schedules that reached nobody       to the function or the queue
    stream                    changes of the table that failed nine times, in S3     to the function
    dispatch, govern, …       executions of a machine that failed                    on from the state that failed

Whatever is put back is deleted here only after it was taken there, so the worst that an interruption does is to put it
back twice; and everything that takes work does it once however often it comes. Nothing else can be lost on its way: a
request to the API, an operator's call and a provider's callback have a caller who is told.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

Client = Callable[[str], Any]
"""Gives the AWS client of a service."""


class Refused(Exception):
    """What was asked cannot be done here; the text says what can."""


@dataclass(frozen=True, slots=True)
class Dead:
    """A piece of work that was given up: since when (epoch seconds), why as far as known, how often it was replayed."""

    name: str
    since: float
    reason: str
    replays: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a replay did to one piece: `stayed` says why it is still there, and is empty when it is back at work."""

    name: str
    stayed: str = ""


class Place(Protocol):
    """One kind of work that may lie dead."""

    @property
    def name(self) -> str: ...

    @property
    def pieces(self) -> str:
        """What it holds, in the plural: messages, batches, executions."""

    def count(self) -> int:
        """About how many pieces there are."""

    def sample(self, most: int) -> list[Dead]:
        """Some of them, without changing anything."""

    def replay(self, most: int | None) -> Iterator[Outcome]:
        """Put them back, at most so many; one outcome each."""


def line(text: str) -> str:
    """A reason on one line of a terminal."""
    return " ".join(text.split())[:120]
