"""Broken on purpose: an entry is moved whatever has happened to it since it was read. Of two runs of a wake both hand
its members over."""

from collections.abc import Iterator
from contextlib import contextmanager

from drumbeat.journeys.entries import Entry
from pynamodb.expressions.condition import Condition

from tests.simulation import edge


def _is_there(self: Entry) -> Condition:
    condition: Condition = Entry.pk.exists()
    return condition


@contextmanager
def broken() -> Iterator[None]:
    """On condition that it is there."""
    with edge.instead(Entry, as_it_was=_is_there):
        yield
