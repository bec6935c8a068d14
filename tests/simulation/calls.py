"""What all stories have: a cloud, a clock, and callers of the API who try again."""

import base64
import random
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Self

from tests import harness
from tests.simulation import edge, towns
from tests.simulation.clouds import Cloud


class Calls:
    """A seed's run on a cloud. `under_way` is what people and callers will still do, `problems` what did not go as it
    should. `chance` is the story's own."""

    chance: random.Random

    def __init__(self, seed: int, cloud: Cloud) -> None:
        self.seed, self.cloud = seed, cloud
        self.work, self.store = cloud.work, cloud.store
        self.under_way = 0
        self.problems: list[str] = []

    def _play(self) -> None:
        """What happens, from the beginning until all is at rest."""
        raise NotImplementedError

    def play(self, judge: Callable[[Self], list[str]]) -> list[str]:
        """From the launch until all is at rest; gives what `judge` says then, or how it ended before."""
        with edge.played(self.cloud, self.seed):
            try:
                self._play()
                return judge(self)
            except Exception:  # noqa: BLE001 - a seed that ends so has failed, and its command plays it again
                return [traceback.format_exc()]

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Something that a person or a caller will do."""
        self.under_way += 1

        def done() -> None:
            self.under_way -= 1
            act()

        self.work.after(seconds, done)

    def call(
        self, tenant: str | None, name: str, then: Callable[[harness.Reply], None], *, tries: int = 60,
        more: Mapping[str, str] | None = None, **request: Any,
    ) -> None:  # fmt: skip
        """Call the API as a client does: what fails on our side is asked again. `more` are headers."""
        headers = {**(towns.credential(tenant) if tenant else {}), **(more or {})}
        route = harness.function(name).declaration.route or ""
        answer = self.cloud.run(name, harness.http_event(route, headers=headers, **request), tenant=tenant)
        status = answer["statusCode"] if answer else 0
        if status >= 500 and not self.work.storm:
            self.problems.append(f"{name} answered {status}: {answer['body']}")
        elif (status in (0, 429) or status >= 500 or _is_in_progress(answer)) and tries:
            again = partial(self.call, tenant, name, then, tries=tries - 1, more=more, **request)
            self.later(self.chance.uniform(1, 20), again)
        elif answer:
            then(harness.Reply(status, answer["headers"], _text(answer)))


def _is_in_progress(answer: Mapping[str, Any] | None) -> bool:
    """Whether an earlier try of the same request is being answered, or died while it was: one is to ask again."""
    return answer is not None and answer["statusCode"] == 409 and "REQUEST_IN_PROGRESS" in _text(answer)


def _text(answer: Mapping[str, Any]) -> str:
    body = str(answer["body"])
    return base64.b64decode(body).decode("latin-1") if answer["isBase64Encoded"] else body
