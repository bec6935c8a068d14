"""What the tests of accounts start from."""

import time
from collections.abc import Callable

import pytest

from tests.unit.accounts.people import Person, person
from tests.world import World


@pytest.fixture
def rina(world: World) -> Person:
    """A marketer of acme who has a password."""
    return person(world, "rina@acme.example", "marketer")


@pytest.fixture
def boss(world: World) -> Person:
    """An administrator of acme who has a password."""
    return person(world, "boss@acme.example", "admin")


@pytest.fixture
def half_past(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Time stands still in the middle of a minute; calling it moves time on by seconds."""
    now = [time.time() // 60 * 60 + 30]
    monkeypatch.setattr(time, "time", lambda: now[0])

    def move(seconds: float) -> None:
        now[0] += seconds

    return move
