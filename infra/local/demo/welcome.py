"""The part of the demo that is a journey: newcomers register while the rest goes on, and take the branch that fits."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import httpx

from infra.local.demo import journey
from infra.local.demo.journey import Outcome, Run
from infra.local.demo.report import Part
from infra.local.stack import Stack

NEWCOMERS = 40
# Of the stack's clock, on which an hour is a minute: people read the first mail in between.
FIRST, SECOND = "3_minutes", "45_minutes"
TITLE = "Welcome journey"
MEANING = {
    "first": "got the welcome mail",
    "engaged": "read it and got the mail for readers",
    "others": "did not, and got the other one",
    "twice": "people who got a mail twice",
    "astray": "people who got what was not theirs",
    "failed": "requests of theirs that failed",
}


class Welcome:
    """A journey under way in a thread of its own."""

    def __init__(self, stack: Stack, api_of: Callable[[Stack], httpx.Client], seed: int) -> None:
        self.done = 0
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journey")
        self._run: Future[Run] = self._pool.submit(self._followed, stack, api_of, seed)
        self._pool.shutdown(wait=False)

    def _followed(self, stack: Stack, api_of: Callable[[Stack], httpx.Client], seed: int) -> Run:
        people = [f"newcomer{number}@people.example.com" for number in range(NEWCOMERS)]
        with api_of(stack) as api:
            return journey.run(api, stack, people=people, first=FIRST, second=SECOND, seed=seed, tell=self._tell)

    def _tell(self, _: str, done: int, __: int) -> None:
        self.done = done

    @property
    def over(self) -> bool:
        return self._run.done()

    def part(self) -> Part:
        """What Drumbeat says of everybody, and what the simulators saw. Raises journey.Stuck."""
        run = self._run.result()
        if run.ours is None or run.truth is None:
            raise journey.Stuck("the journey: nobody says what came of it")
        astray = sum(
            len(mine ^ real)
            for mine, real in (
                (run.ours.first, run.truth.first), (run.ours.engaged, run.truth.engaged),
                (run.ours.others, run.truth.others),
            )
        )  # fmt: skip
        mine = {**_numbers(run.ours), "astray": astray, "failed": len(run.failed)}
        return Part(TITLE, MEANING, mine, {**_numbers(run.truth), "astray": 0, "failed": 0})


def _numbers(outcome: Outcome) -> dict[str, int]:
    return {name: len(getattr(outcome, name)) for name in ("first", "engaged", "others", "twice")}
