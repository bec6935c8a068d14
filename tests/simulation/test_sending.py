"""A campaign of two tenants on a bad day, through the real handlers: everybody once, everybody accounted for, and it
ends. Each seed is another day; a seed that fails says how to play it again.

The seeds run in processes of their own, where sets of texts have the same order each time.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence

import pytest

from tests.faults import Fault
from tests.harness import ROOT
from tests.simulation import edge
from tests.simulation.story import Story
from tests.simulation.wire import POINTS

# Five hundred take 75 seconds of a processor; `make test` has five minutes in all.
SEEDS, A_TEST = 150, 50
# Lost and silent reports, and workers that run out of time, are rarer than once in ten seeds.
HAPPENED = (
    *Fault, *POINTS, "killed", "skewed", "skewed by an hour", "together", "execution died", "step: doubled",
    "message: lost", "message: doubled", "message: late", "message: at once", "message: again",
    "bus: refused",
    "schedule: twice", "schedule: late", "schedule: after its end",
    "stream: doubled", "stream: split", "stream: reordered", "event: tripled", "event: late",
    "provider: 429", "provider: 500", "provider: 500, accepted", "provider: unreached", "provider: timed out",
    "provider: timed out, accepted", "provider: slow", "provider: partial", "provider: unreached for long",
    "provider: refused for long",
)  # fmt: skip
VARIANTS = (
    "send_then_mark", "lock_that_expires", "cursor_as_truth", "get_unsubscribe", "key_without_tenant", "naive_counter",
    "row_then_counter", "plan_time_hours", "cap_read_then_written", "doubt_moves",
)  # fmt: skip


def played(*arguments: str) -> tuple[int, str]:
    """The exit code and what it said."""
    command: Sequence[str] = (sys.executable, "-m", "tests.simulation", *arguments)
    run = subprocess.run(command, cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return run.returncode, run.stdout


@pytest.mark.timeout(300)  # fifty days, and other tests beside them
@pytest.mark.parametrize("first", range(1, SEEDS + 1, A_TEST))
def test_everybody_once_whatever_fails(first: int) -> None:
    code, said = played(f"{first}-{first + A_TEST - 1}")

    assert code == 0, said
    happened = json.loads(said.splitlines()[-1])["happened"]
    assert [name for name in HAPPENED if not happened.get(name)] == []


def test_what_is_broken_is_caught_within_20_seeds() -> None:
    code, said = played("1-20", "--variant", *VARIANTS)

    assert code == 1, said
    noticed = dict(part.split(":", 1) for part in f"\n{said}".split("\nvariant ")[1:])
    for variant in VARIANTS:
        assert re.search(rf"again: \S+/python -m tests.simulation \d+ --variant {variant}", noticed[variant]), said


def test_a_seed_that_raises_has_failed_and_says_what() -> None:
    def judge(story: Story) -> list[str]:
        raise LookupError(f"the judge of {story.seed} is missing")

    with edge.installed():
        (problem,) = Story(1, 40).play(judge)

    assert "LookupError: the judge of 1 is missing" in problem


def test_a_seed_is_the_same_day_again() -> None:
    first, again = played("3", "--digests"), played("3", "--digests")

    assert first == again and "digest" in first[1]
