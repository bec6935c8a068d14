"""Running seeds of journeys: one after the other, and what they came to."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.simulation import edge, towns
from tests.simulation import runs as campaigns
from tests.simulation.journeys import promises
from tests.simulation.journeys.broken import chunk_then_moves, no_look_back, unconditional_move, wake_not_read_again
from tests.simulation.journeys.story import Story
from tests.simulation.runs import PEOPLE, Result


@dataclass
class Variant:
    """What is broken, and by which words of a promise it is caught; `shape` and `trigger` are what its seeds play, of
    which `first` is the one that it is tried with first."""

    by: str
    broken: Callable[[], AbstractContextManager[None]] = nullcontext
    shape: str | None = None
    trigger: str | None = None
    first: int = 1


VARIANTS: Mapping[str, Variant] = {
    "chunk_then_moves": Variant("named by", chunk_then_moves.broken),
    "unconditional_move": Variant("named by", unconditional_move.broken, first=5),
    "wake_not_read_again": Variant("is stuck", wake_not_read_again.broken, "welcome", "event", first=4),
    "no_look_back": Variant("late at", no_look_back.broken, "race", "event"),
}


def run(seed: int, people: int = PEOPLE, variant: str | None = None) -> Result:
    """Play one seed. Inside of `edge.installed`."""
    began, chosen = time.process_time(), VARIANTS[variant] if variant else Variant("")
    with chosen.broken():
        story = Story(seed, people, chosen.shape, chosen.trigger)
        problems = [problem for problem in story.play(promises.broken) if chosen.by in problem]
    seconds = time.process_time() - began
    return Result(seed, problems, story.exceptions, story.work.happened, campaigns.digest(story), seconds)


def runs(seeds: Iterable[int], people: int = PEOPLE, variant: str | None = None) -> Iterator[Result]:
    """Play seeds, each as if it were the only one; of a variant, those from its `first` on come first."""
    first = VARIANTS[variant].first if variant else 0
    with edge.installed():
        towns.town(people)
        for seed in sorted(seeds, key=lambda seed: (seed < first, seed)):
            yield run(seed, people, variant)


def replay(seed: int, people: int, variant: str | None = None) -> str:
    """The command that plays a seed again."""
    return campaigns.replay(seed, people, variant, kind="journeys ")
