"""The documented welcome series on the deployed stack to its end, with shorter waits: two tenants with the same ids,
and nobody gets anything twice, or the other tenant's. `tests.soak fortnight` has the document's waits."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from infra.local.demo import journey
from infra.local.demo.journey import ENGAGED, FIRST, OTHERS, Run
from infra.local.fixtures import HTML
from infra.local.stack import Stack
from tests.stack.company import Company, founded

PEOPLE = 8
TEMPLATES = (FIRST, ENGAGED, OTHERS)


@pytest.fixture(scope="module")
def shops(stack: Stack) -> Iterator[list[Company]]:
    """Two tenants."""
    with founded(stack, "journeysone") as one, founded(stack, "journeystwo") as two:
        for shop in (one, two):
            for name in TEMPLATES:
                shop.post("/v1/templates", {"name": name, "subject": f"{name} of {shop.tenant}", "html": HTML})
        yield [one, two]


def people(shop: Company) -> list[str]:
    """The same local parts in both."""
    return [f"p{number}@{shop.tenant.removeprefix('ten_')}.example" for number in range(PEOPLE)]


def walk(stack: Stack, shop: Company, place: int) -> Run:
    """One tenant's series to its end."""
    told = people(shop)
    return journey.run(shop.api, stack, people=told, first="2_minutes", second="15_minutes", seed=11 + place)


def test_the_welcome_series_of_two_tenants_runs_to_its_end(stack: Stack, shops: list[Company]) -> None:
    with ThreadPoolExecutor(max_workers=len(shops)) as pool:
        runs = list(pool.map(partial(walk, stack), shops, range(len(shops))))

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


def test_another_tenants_journeys_are_not_there(shops: list[Company]) -> None:
    one, two = shops
    mine = two.get("/v1/journeys")["items"][0]["id"]

    for path in (f"/v1/journeys/{mine}", f"/v1/journeys/{mine}/performance", f"/v1/journeys/{mine}/entries"):
        reply: httpx.Response = one.api.get(path)
        assert reply.status_code == 404, path
