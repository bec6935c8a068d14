"""A journey of fourteen days on a deployed local stack whose days take four seconds: the documented welcome series with
its own waits, and two mails with a fortnight between them, which takes a minute."""

import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from infra.local.demo import journey
from infra.local.demo.journey import ENGAGED, FIRST, OTHERS
from infra.local.fixtures import HTML
from infra.local.stack import Plan, up
from tests.stack.company import Company, founded, until

# Fourteen days in a minute.
SCALE = 14 * 24 * 60.0
PEOPLE = 8


def run(until_time: float, console: Console) -> int:
    """Play both once; gives the number of failures."""
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-soak-") as folder,
        up(Plan(Path(folder), SCALE, ports=(0, 0))) as (stack, _),
        founded(stack, "fortnight") as shop,
    ):
        for name in (FIRST, ENGAGED, OTHERS):
            shop.post("/v1/templates", {"name": name, "subject": name, "html": HTML})
        people = [f"p{number}@{shop.tenant.removeprefix('ten_')}.example" for number in range(PEOPLE)]
        found = journey.run(shop.api, stack, people=people, first="1_hour", second="3_days", seed=11)
        console.print(f"welcome series with its own waits: {'as the simulator says' if found.agrees else 'differs'}")
        seconds = _fortnight(shop, people)
    console.print(f"a fortnight took {seconds:.0f} s; again: python -m tests.soak fortnight --minutes 5")
    return int(not found.agrees)


def _fortnight(shop: Company, people: list[str]) -> float:
    template = {"type": "send", "template": FIRST}
    steps = [
        {"id": "start", **template},
        {"id": "wait", "type": "wait", "duration": "P14D"},
        {"id": "end_", **template},
    ]
    body = {"name": "Fortnight", "trigger": {"type": "api"}, "steps": steps, "activate": True}
    made = shop.post("/v1/journeys", body)["id"]
    began = time.monotonic()
    shop.post(f"/v1/journeys/{made}/enrol", {"emails": people})

    def figures() -> Any:
        found = shop.get(f"/v1/journeys/{made}/performance")
        return found["completed"], [step["messages"]["sent"] for step in found["steps"] if step["messages"]]

    until("everybody through", figures, lambda found: found == (PEOPLE, [PEOPLE, PEOPLE]), patience=180)
    return time.monotonic() - began
