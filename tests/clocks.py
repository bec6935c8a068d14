"""Clocks that a test moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from drumbeat import clock

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class Time:
    """Stands for the module `time` in drumbeat.clock: both clocks show what the test says, later with each look."""

    def __init__(self, at: datetime = START) -> None:
        self._now = at.timestamp()

    def time(self) -> float:
        self._now += 0.001
        return self._now

    def passes(self, duration: timedelta) -> None:
        self._now += duration.total_seconds()


@contextmanager
def moved(time: Time) -> Iterator[None]:
    """The clocks follow `time`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "time", time)
        yield
