"""A campaign on a bad day, through the real handlers: everybody once, everybody accounted for, and it ends."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from moto import mock_aws

from tests import schemas
from tests.simulation.background import BadDay, Worker, bad_day
from tests.simulation.broken import send_then_mark
from tests.simulation.faults import POINTS, Time, moved, struck
from tests.simulation.town import Town
from tests.unit.mail import provider

# One in every run of the tests; more with SIMULATION_SEEDS=20.
SEEDS = tuple(range(1, 1 + int(os.environ.get("SIMULATION_SEEDS", "1"))))
FAULTS = ("throttled", "request lost", "reply lost")
HAPPENED = ("killed", "lost", "doubled")


@contextmanager
def town(folder: Path, seed: int, workers: Mapping[str, Worker] | None = None) -> Iterator[Town]:
    """A town before the send, with all faults of the seed in wait."""
    with ExitStack() as stack:
        mails = stack.enter_context(provider(folder))
        stack.enter_context(mock_aws())
        time = Time()
        stack.enter_context(moved(time))
        world: BadDay = bad_day(seed, workers)
        world.build()
        world.published = stack.enter_context(schemas.watch())
        stack.enter_context(struck(world.faults))
        yield Town(world, mails, time, seed)


@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_once_whatever_fails(tmp_path: Path, seed: int) -> None:
    with town(tmp_path, seed) as simulated:
        simulated.send()

        assert simulated.problems() == [], f"seed {seed}"
        world = simulated.world
        assert [name for name in FAULTS if not world.faults.seen[name]] == []
        assert [name for name in HAPPENED if not world.happened[name]] == []
        assert [point for point in POINTS if not world.faults.seen[point]] == []


def test_the_same_check_catches_a_worker_that_sends_before_it_claims(tmp_path: Path) -> None:
    with town(tmp_path, 1, {"deliver": send_then_mark.handler}) as simulated:
        simulated.send()

        assert any("got it twice" in problem for problem in simulated.problems())
