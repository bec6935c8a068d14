"""Broken on purpose: whoever joins a wake starts it and goes; whether it had closed meanwhile, nobody looks."""

from collections.abc import Iterator
from contextlib import contextmanager

from drumbeat.journeys import wakes
from drumbeat.journeys.wakes import Wake

from tests.simulation import edge


def _confirm(wake: Wake) -> bool:
    wakes.start(wake)
    return True


@contextmanager
def broken() -> Iterator[None]:
    """It will act, surely."""
    with edge.instead(wakes, confirm=_confirm):
        yield
