"""The documented welcome series on the deployed stack, word for word and to the end, on a clock on which a fortnight
takes a minute: two tenants with the same ids, and nobody gets anything twice, or the other tenant's."""

import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from infra.local.demo import journey
from infra.local.demo.journey import ENGAGED, FIRST, OTHERS
from infra.local.fixtures import HTML
from infra.local.stack import Plan, Stack, up
from tests.stack.company import Company, founded, until

# Fourteen days in a minute.
SCALE = 14 * 24 * 60.0
PEOPLE = 8
TEMPLATES = (FIRST, ENGAGED, OTHERS)


@pytest.fixture(scope="module")
def swift() -> Iterator[Stack]:
    """A stack of its own: the others' clock is too slow for days."""
    with (
        tempfile.TemporaryDirectory(prefix="drumbeat-test-") as folder,
        up(Plan(Path(folder), SCALE, ports=(0, 0))) as (running, _),
    ):
        yield running


@pytest.fixture(scope="module")
def shops(swift: Stack) -> Iterator[list[Company]]:
    """Two tenants."""
    with founded(swift, "journeysone") as one, founded(swift, "journeystwo") as two:
        for shop in (one, two):
            for name in TEMPLATES:
                shop.post("/v1/templates", {"name": name, "subject": f"{name} of {shop.tenant}", "html": HTML})
        yield [one, two]


def people(shop: Company) -> list[str]:
    """The same local parts in both."""
    return [f"p{number}@{shop.tenant.removeprefix('ten_')}.example" for number in range(PEOPLE)]


class Fortnight(NamedTuple):
    """A journey of two mails with fourteen days between them, and when everybody entered it."""

    journey: str
    began: float


@pytest.fixture(scope="module")
def fortnight(shops: list[Company]) -> Fortnight:
    """Everybody waits in it while the other tests run; `shops` have imported them."""
    shop, template = shops[0], {"type": "send", "template": FIRST}
    steps = [
        {"id": "start", **template},
        {"id": "wait", "type": "wait", "duration": "P14D"},
        {"id": "end_", **template},
    ]
    body = {"name": "Fortnight", "trigger": {"type": "api"}, "steps": steps, "activate": True}
    made = shop.post("/v1/journeys", body)["id"]
    for address in patient(shop):
        consent = {"email": {"status": "granted", "source": "test"}}
        shop.post("/v1/contacts", {"email": address, "consent": consent})
    began = time.monotonic()
    assert shop.post(f"/v1/journeys/{made}/enrol", {"emails": patient(shop)})["entered"] == PEOPLE
    return Fortnight(made, began)


def patient(shop: Company) -> list[str]:
    return [f"q{number}@{shop.tenant.removeprefix('ten_')}.example" for number in range(PEOPLE)]


@pytest.mark.usefixtures("fortnight")
def test_the_welcome_series_of_two_tenants_runs_to_its_end(swift: Stack, shops: list[Company]) -> None:
    runs = [
        journey.run(shop.api, swift, people=people(shop), first="1_hour", second="3_days", seed=11 + place)
        for place, shop in enumerate(shops)
    ]

    for shop, found in zip(shops, runs, strict=True):
        assert found.agrees, (found.ours, found.truth, found.failed)
        assert found.ours is not None and found.ours.first == frozenset(people(shop))
        assert found.ours.engaged | found.ours.others == found.ours.first and not found.ours.twice
        assert found.ours.engaged and found.ours.others, "another seed: the branch must go both ways"
        assert (found.performance["entries"], found.performance["completed"]) == (PEOPLE, PEOPLE)
        steps = {step["said_as"]["step_id"]: step for step in found.performance["steps"]}
        assert steps["4"]["outcomes"] == {"true": len(found.ours.engaged), "false": len(found.ours.others)}
        assert {step["messages"]["sent"] for step in (steps["2"],)} == {PEOPLE}
    assert {entry["contact_id"] for entry in runs[0].entries.values()} & set(runs[1].people) == set()


def test_a_fortnight_takes_a_minute(shops: list[Company], fortnight: Fortnight) -> None:
    def figures() -> Any:
        found = shops[0].get(f"/v1/journeys/{fortnight.journey}/performance")
        return found["completed"], [step["messages"]["sent"] for step in found["steps"] if step["messages"]]

    until("everybody through", figures, lambda found: found == (PEOPLE, [PEOPLE, PEOPLE]), patience=120)
    entries = shops[0].get(f"/v1/journeys/{fortnight.journey}/entries")["items"]
    lasted = [datetime.fromisoformat(one["ended_at"]) - datetime.fromisoformat(one["entered_at"]) for one in entries]
    assert len(lasted) == PEOPLE and all(timedelta(days=14) <= one < timedelta(days=21) for one in lasted), lasted


def test_another_tenants_journeys_are_not_there(shops: list[Company]) -> None:
    one, two = shops
    mine = two.get("/v1/journeys")["items"][0]["id"]

    for path in (f"/v1/journeys/{mine}", f"/v1/journeys/{mine}/performance", f"/v1/journeys/{mine}/entries"):
        reply: httpx.Response = one.api.get(path)
        assert reply.status_code == 404, path
