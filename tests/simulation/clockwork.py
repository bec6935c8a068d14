"""Time and work of a simulation: one clock, what is to happen when, and workers whose steps interleave.

Everything follows from one `random.Random`. A worker is a task: it has a clock of its own that may go wrong, it is
killed when it takes longer than Lambda lets it, and it may be killed at any of its calls. Tasks that are `together`
run in turns, and the turn passes at their calls (greenlets: no thread decides anything).
"""

import heapq
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from greenlet import getcurrent, greenlet

# How often the turn passes at a call of tasks that are together.
TURN = 0.3
# Shares of tasks whose clock goes wrong by up to five minutes. It happens to one of a seed to be wrong by an hour.
SKEWED, SKEW, ONCE = 0.08, 300.0, 3600.0
# The clock moves on with each look.
TICK = 0.0002


class Killed(BaseException):
    """The instance is gone: out of memory, out of time, or a host that died."""


@dataclass
class Task:
    """A function at work. `tenant` is the only one whose keys it may touch; None: it works for all."""

    name: str
    tenant: str | None = None
    skew: float = 0.0
    until: float = float("inf")
    claimed: bool = False


class Clockwork:
    """What time it is, and what comes next. `storm` says whether anything may go wrong."""

    def __init__(self, chance: random.Random, start: float) -> None:
        self.chance, self.now, self.storm = chance, start, False
        self.task: Task | None = None
        self.happened: Counter[str] = Counter()
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._hub: greenlet | None = None
        self.once = False
        # Of the next task: how wrong its clock is, if that is not left to chance.
        self.next_skew: float | None = None
        # Functions that do not let others come first, by name; those beside them do so before they write.
        self.quick: frozenset[str] = frozenset()

    def time(self) -> float:
        """What the clock of whoever is at work shows."""
        self.now += TICK
        return self.now + (self.task.skew if self.task else 0.0)

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def drawn(self, rate: float) -> bool:
        """Whether something strikes, in the storm."""
        return self.storm and self.chance.random() < rate

    def strikes(self, what: str, rate: float) -> bool:
        """The same, and it is counted as something that happened."""
        if not self.drawn(rate):
            return False
        self.happened[what] += 1
        return True

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._coming, (self.now + seconds, self._number, act))

    def step(self, most_together: float) -> bool:
        """Let happen what comes next; now and then together with what comes soon after it. False: nothing comes."""
        if not self._coming:
            return False
        acts = [self._next()]
        while len(acts) < 3 and self._soon(20.0) and self.drawn(most_together):
            acts.append(self._next())
        self.together(acts)
        return True

    def _next(self) -> Callable[[], None]:
        due, _, act = heapq.heappop(self._coming)
        self.now = max(self.now, due)
        return act

    def _soon(self, seconds: float) -> bool:
        return bool(self._coming) and self._coming[0][0] < self.now + seconds

    def together(self, acts: Sequence[Callable[[], None]], first: int | None = None) -> None:
        """Do all of it, in turns that pass at calls; `first` begins, or any."""
        if len(acts) == 1 or self._hub is not None:
            for act in acts:
                act()
            return
        self.happened["together"] += 1
        self._hub = getcurrent()
        workers = [(greenlet(act), Holder()) for act in acts]
        try:
            while workers:
                worker, held = workers[first] if first is not None else self.chance.choice(workers)
                first = None
                self.task = held.task
                worker.switch()
                held.task, self.task = self.task, None
                workers = [pair for pair in workers if not pair[0].dead]
        finally:
            self._hub = None

    def _lets_others(self, writes: bool) -> bool:
        return not self.quick or (writes and self.task is not None and self.task.name not in self.quick)

    def pass_turn(self, *, writes: bool = False) -> None:
        """A call is made: others may come first, and a task that is too slow ends here."""
        if self._hub is not None and self._lets_others(writes) and self.chance.random() < TURN:
            self._hub.switch()
        if self.task is not None and self.now > self.task.until:
            self.happened["timed out"] += 1
            raise Killed

    def attempt(self, task: Task, seconds: float, work: Callable[[], Any]) -> Any:
        """What the work gives; raises Killed, or whatever the work raises. It has so many seconds."""
        before, self.task = self.task, task
        task.until = self.now + seconds
        task.skew = self._skew()
        try:
            return work()
        finally:
            self.task = before

    def _skew(self) -> float:
        if self.next_skew is not None:
            skew, self.next_skew = self.next_skew, None
            return skew
        if not self.strikes("skewed", SKEWED):
            return 0.0
        if not self.once and self.chance.random() < 0.1:
            self.once = True
            self.happened["skewed by an hour"] += 1
            return self.chance.choice((-ONCE, ONCE))
        return self.chance.uniform(-SKEW, SKEW)


@dataclass
class Holder:
    """The task that a worker was in when the turn passed."""

    task: Task | None = None
