"""Running seeds: one after the other, and what they came to. A broken variant takes a part of the product's place."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from tests.simulation import edge, promises, towns
from tests.simulation.broken import (
    cap_read_then_written,
    cursor_as_truth,
    doubt_moves,
    get_unsubscribe,
    key_without_tenant,
    lock_that_expires,
    naive_counter,
    plan_time_hours,
    row_then_counter,
    send_then_mark,
)
from tests.simulation.calls import Calls
from tests.simulation.clouds import Counting, Worker
from tests.simulation.story import Story

# Of each tenant, and there are two.
PEOPLE = 100


@dataclass
class Variant:
    """What is broken: workers by queue or function, a part of the product, or how numbers are counted. It is caught
    `by` a promise with this in its words; what else is wrong with it does not count. `forced` is what its seeds have of
    what others draw."""

    by: str
    workers: Mapping[str, Worker] = field(default_factory=dict)
    broken: Callable[[], AbstractContextManager[None]] = nullcontext
    counting: Callable[[int], Counting] | None = None
    forced: Mapping[str, Any] = field(default_factory=dict)


VARIANTS: Mapping[str, Variant] = {
    "send_then_mark": Variant(" mails (", {"deliver": send_then_mark.handler}),
    "lock_that_expires": Variant(" mails (", {"deliver": lock_that_expires.handler}),
    "cursor_as_truth": Variant("counts as sent and got nothing", {"deliver": cursor_as_truth.handler}),
    "get_unsubscribe": Variant("unsubscribed, and", {"tracking.show_unsubscribe": get_unsubscribe.handler}),
    "key_without_tenant": Variant("trespass", broken=key_without_tenant.broken),
    "naive_counter": Variant("delivered is", counting=lambda seed: naive_counter.NaiveCounter()),
    "row_then_counter": Variant(", not ", counting=row_then_counter.RowThenCounter),
    "plan_time_hours": Variant("in quiet hours", broken=plan_time_hours.broken, forced={"quiet": True, "local": False}),
    "cap_read_then_written": Variant(
        "messages of one a day", broken=cap_read_then_written.broken, forced={"capped": True, "publish": False}
    ),
    "doubt_moves": Variant("over two accounts", broken=doubt_moves.broken, forced={"fallback": True}),
}


@dataclass(frozen=True)
class Result:
    """A seed's: what does not hold, whom the policy excepts, what happened, a digest of it all, processor seconds."""

    seed: int
    problems: list[str]
    exceptions: list[str]
    happened: Counter[str]
    digest: str
    seconds: float


def run(seed: int, people: int = PEOPLE, variant: str | None = None) -> Result:
    """Play one seed. Inside of `edge.installed`."""
    began, chosen = time.process_time(), VARIANTS[variant] if variant else Variant("")
    with chosen.broken():
        counting = chosen.counting(seed) if chosen.counting else None
        story = Story(seed, people, chosen.workers, counting, chosen.forced)
        problems = [problem for problem in story.play(promises.broken) if chosen.by in problem]
    return Result(seed, problems, story.exceptions, story.work.happened, digest(story), time.process_time() - began)


def digest(story: Calls) -> str:
    """The same for the same run, and for hardly any other."""
    mails = sorted(mail for mails in story.cloud.mails.accepted.values() for mail in mails)
    told: Any = [mails, sorted(story.work.happened.items()), story.work.now, story.store.written]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16]


def runs(seeds: Iterable[int], people: int = PEOPLE, variant: str | None = None) -> Iterator[Result]:
    """Play seeds, each as if it were the only one."""
    with edge.installed():
        towns.town(people)
        for seed in seeds:
            yield run(seed, people, variant)


def replay(seed: int, people: int, variant: str | None = None, kind: str = "") -> str:
    """The command that plays a seed again; `kind` is what is played, if not campaigns."""
    more = f" --people {people}" if people != PEOPLE else ""
    more += f" --variant {variant}" if variant else ""
    return f".venv/bin/python -m tests.simulation {kind}{seed}{more}"
