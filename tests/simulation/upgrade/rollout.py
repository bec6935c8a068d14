"""A roll-out in the simulation: which of two releases a call reaches is a matter of chance."""

import importlib
import json
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drumbeat.sends.model import Outcome

from tests import harness
from tests.simulation import clouds, edge, promises, towns
from tests.simulation.clients import Table
from tests.simulation.story import Story
from tests.simulation.upgrade import next_release

WORKERS = (*clouds.CONSUMERS.values(), *clouds.STEPS.values(), *clouds.SWEEPS, "segments.evaluate_changes")
# Whoever is told to come again does, and meets the other release.
PAGES = ("tracking.show_unsubscribe", "tracking.unsubscribe_contact")


@contextmanager
def both_releases(folder: Path) -> Iterator[None]:
    """Both are there, in a world in memory."""
    next_release.made(folder)
    with edge.installed():
        for name in (*WORKERS, *PAGES):
            next_release.function(name)
        table = importlib.import_module(f"{next_release.LAYER}.table")
        table.connection().connection._client = Table()
        yield
    sys.path.remove(str(folder))


class Rollout:
    """The workers of a story; `calls` counts which release each reached."""

    def __init__(self, seed: int) -> None:
        self.chance, self.calls = random.Random(seed), Counter[str]()
        self.workers = {name: self._either(name) for name in WORKERS} | {name: self._page(name) for name in PAGES}
        self.workers |= {queue: self.workers[name] for queue, name in clouds.CONSUMERS.items()}

    def _either(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        releases = {"this": harness.function(name), "next": next_release.function(name)}

        def act(event: dict[str, Any]) -> dict[str, Any]:
            chosen = self.chance.choice(("this", "next"))
            if self.chance.random() < 0.1:
                next_release.forget()
            self.calls[f"{chosen} {name}"] += 1
            answer: dict[str, Any] = releases[chosen](event, None)
            return answer

        return act

    def _page(self, name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
        this, other = harness.function(name), next_release.function(name)

        def act(event: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = this(event, None)
            if answer["statusCode"] != 503:
                return answer
            assert answer["headers"]["Retry-After"] == "60"
            self.calls["asked to come again"] += 1
            again: dict[str, Any] = other(event, None)
            return again

        return act

    def counted(self, story: Story) -> list[str]:
        """Count what the next release has written; gives what of it this one has erased."""
        chunks = [item for key, item in story.store.items.items() if key[0].startswith("CHUNK#")]
        stats = [item for key, item in story.store.items.items() if key[0].startswith("STAT#")]
        touched = [chunk for chunk in chunks if "fmt" in chunk]
        self.calls["chunks of the next format"] = len(touched)
        self.calls["outcomes of the next release"] = sum(next_release.HELD in each["outcomes"]["S"] for each in touched)
        self.calls["sets of the next release"] = sum("confirmed" in stat for stat in stats)
        return [f"the chunk {chunk['sk']} lost its urgency" for chunk in touched if "urgency" not in chunk]


def as_this_release_says_it(story: Story) -> None:
    """When the upgrade is over: what the next release wrote, in words that the promises are written in."""
    for key, item in list(story.store.items.items()):
        if key[0].startswith("CHUNK#") and "fmt" in item:
            outcomes = item["outcomes"]["S"].replace(next_release.HELD, Outcome.NO_CONSENT)
            kept = {name: held for name, held in item.items() if name != "fmt"}
            story.store.write({**kept, "outcomes": {"S": outcomes}})


def played(seed: int, people: int) -> tuple[Counter[str], list[str]]:
    """A seed's story: what was called how often, and what does not hold."""
    rollout = Rollout(seed)
    next_release.forget()
    towns.town(people)
    story = Story(seed, people, rollout.workers)
    story.cloud._requests["change_message_visibility_batch"] = lambda kwargs: {}
    lost: list[str] = []

    def judged(told: Story) -> list[str]:
        lost.extend(rollout.counted(told))
        as_this_release_says_it(told)
        told.cloud.workers.clear()
        for body in [{"tenant": side.tenant, "send": side.send} for side in told.sides if side.send]:
            told.cloud.run("campaigns.roll_up_send", {"Records": [{"messageId": "1", "body": json.dumps(body)}]})
        return promises.broken(told)

    return rollout.calls, [*story.play(judged), *lost]
