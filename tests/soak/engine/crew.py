"""Many threads that work off what is due, and a clock that jumps ahead whenever none of them has anything to do.

The clock runs as fast as the real one while somebody works, so a lease of ninety seconds outlasts a call as it does on
AWS; what takes two hours is over as soon as all else has been done.
"""

import heapq
import itertools
import random
import threading
import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from drumbeat import clock

THREADS = 16
# Seconds between two looks at what the work has left behind.
PAUSE = 0.02
# How far the clocks of three of the threads are off, in seconds.
SKEWS = (0.0, -20.0, 45.0, 0.0, 0.0, 240.0, 0.0, 0.0)


class Time:
    """Stands for the module `time` in drumbeat.clock. Threads of a crew see it with their own clock's error."""

    def __init__(self) -> None:
        self._begun, self._ahead = [0.0], [0.0]
        self._thread = threading.local()

    def time(self) -> float:
        return self.exact() + float(getattr(self._thread, "skew", 0.0))

    def exact(self) -> float:
        """The time without a clock's error: epoch seconds."""
        return time.time() + self._ahead[-1]

    def of(self, real: float) -> float:
        """What this clock showed when the machine's showed `real`."""
        return real + self._ahead[bisect_right(self._begun, real) - 1]

    def skewed(self, seconds: float) -> None:
        """The calling thread's clock is off."""
        self._thread.skew = seconds

    def jump(self, seconds: float) -> None:
        self._ahead.append(self._ahead[-1] + seconds)
        self._begun.append(time.time())


@dataclass(order=True)
class _Job:
    due: float
    order: int
    work: Callable[[], None] = field(compare=False)


class Crew:
    """Sixteen threads and what they have to do. `at_once[n]` counts how often a job began as the n-th at the time."""

    def __init__(self, moments: Time, threads: int = THREADS) -> None:
        self.time = moments
        self.at_once: Counter[int] = Counter()
        self.failures: list[BaseException] = []
        self._jobs: list[_Job] = []
        self._order = itertools.count()
        self._busy = 0
        self._ended = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = [
            threading.Thread(target=self._work, args=(number,), daemon=True, name=f"worker {number}")
            for number in range(threads)
        ]
        clock.time = moments  # type: ignore[assignment, attr-defined]  # as much of the module as the clock uses
        for thread in self._threads:
            thread.start()

    @property
    def most_at_once(self) -> int:
        """So many threads, or more, worked at once when each of at least three jobs began."""
        numbers = sorted(self.at_once, reverse=True)
        begun = itertools.accumulate(self.at_once[number] for number in numbers)
        return next((number for number, jobs in zip(numbers, begun, strict=True) if jobs >= 3), 0)

    def put(self, work: Callable[[], None], after: float = 0.0) -> None:
        """Have something done `after` so many seconds of the clock."""
        with self._changed:
            heapq.heappush(self._jobs, _Job(self.time.exact() + after, next(self._order), work))
            self._wake()

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def run(self, gathered: Callable[[], bool], over: Callable[[], bool]) -> None:
        """Work until `over`, which is asked when nothing is to be done now. `gathered` looks whether the work has left
        messages, and says whether it found some. Raises what a job raised."""
        while not self.failures:
            found = gathered()
            with self._changed:
                self._wake()
                busy = found or self._busy or self._has_due()
            if busy:
                time.sleep(PAUSE)
                continue
            # Nobody works, so nobody can leave a message behind this look.
            if gathered():
                continue
            if over():
                return
            with self._changed:
                assert self._jobs, "nothing is left to do, and it is not over"
                self.time.jump(max(0.0, self._jobs[0].due - self.time.exact()) + 0.001)
                self._wake()
        raise self.failures[0]

    def _wake(self) -> None:
        """Let as many threads look as there are jobs due, whose number is counted no further than that of threads."""
        now = self.time.exact()
        due = sum(job.due <= now for job in self._jobs[: 4 * len(self._threads)])
        if due:
            self._changed.notify(min(due, len(self._threads)))

    def _has_due(self) -> bool:
        return bool(self._jobs) and self._jobs[0].due <= self.time.exact()

    def _work(self, number: int) -> None:
        self.time.skewed(SKEWS[number % len(SKEWS)])
        while True:
            with self._changed:
                while not self._ended and not self._has_due():
                    self._changed.wait()
                if self._ended:
                    return
                job = heapq.heappop(self._jobs)
                self._busy += 1
                self.at_once[self._busy] += 1
            try:
                job.work()
            except BaseException as problem:  # noqa: BLE001 - the one who waits for the crew raises it
                self.failures.append(problem)
            finally:
                with self._changed:
                    self._busy -= 1


def shares(chance: random.Random, **rates: float) -> str:
    """The name that is drawn, each with its rate; empty for none."""
    left = chance.random()
    for name, rate in rates.items():
        left -= rate
        if left < 0:
            return name
    return ""
