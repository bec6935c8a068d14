"""Broken on purpose: whoever begins to wait for an event does not look whether it came in that moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from drumbeat.journeys import meeting

from tests.simulation import edge


@contextmanager
def broken() -> Iterator[None]:
    """The queue tells what comes."""
    with edge.instead(meeting, look_back=lambda entry, definition, person: None):
        yield
