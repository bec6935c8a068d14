"""Walks over whole segments: they may die, come twice, be overtaken by another version, and miss nothing."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from drumbeat.segments import backfill, changes, model

from tests.unit.segments.conftest import (
    TENANT,
    change,
    contact,
    evaluate,
    in_city,
    members,
    record,
    segment,
    watched,
    where,
)
from tests.world import World


def walk(segment_id: str, version: int = 1, phase: str = "evaluate", **more: Any) -> dict[str, Any]:
    return {"tenant": TENANT, "segment": segment_id, "version": version, "phase": phase, **more}


def people(world: World, count: int) -> list[str]:
    return [contact(world, f"c{number}", attributes={"city": "Dhaka"}) for number in range(count)]


def test_a_walk_in_many_rounds_one_of_them_twice(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = set(people(world, 12))
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    turns = iter(range(10_000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(turns)))
    monkeypatch.setattr(backfill, "ROUND_SECONDS", 2.0)

    state, rounds = walk(dhaka), 0
    while not state.get("done"):
        world.run("segments.backfill_segment", state)
        state, rounds = world.run("segments.backfill_segment", state), rounds + 1

    assert rounds > 5
    assert members(dhaka) == everyone


def test_a_walk_whose_start_was_lost_is_swept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    everyone = set(people(world, 3))
    world.settle()
    monkeypatch.setattr(changes, "LOST_AFTER", timedelta(seconds=-1))
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.seen.update(_executions(world))  # the machine's start is forgotten

    world.settle()
    assert members(dhaka) == set()
    world.run("segments.reevaluate_due")
    world.settle()

    assert members(dhaka) == everyone
    assert world.call("segments.get_segment", path={"segment_id": dhaka}).data["state"] == "ready"


def _executions(world: World) -> set[str]:
    import os

    import boto3

    found = boto3.client("stepfunctions").list_executions(stateMachineArn=os.environ["MACHINE_BACKFILL"])
    return {execution["executionArn"] for execution in found["executions"]}


def test_a_change_behind_the_walk_is_not_lost(world: World) -> None:
    """The walk has passed everyone when a contact changes; the stream's record of that comes before the walk ends."""
    (ada,) = people(world, 1)
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    state = world.run("segments.backfill_segment", walk(dhaka))
    state = world.run("segments.backfill_segment", state)
    assert state["phase"] == "measure"

    change(world, ada, city="Rome")
    evaluate(world, record(f"CONTACT#{TENANT}#{ada}"))
    world.run("segments.backfill_segment", state)

    assert members(dhaka) == set()


def test_new_criteria_remove_and_add(world: World) -> None:
    ada, bob = contact(world, "ada", attributes={"city": "Dhaka"}), contact(world, "bob", attributes={"city": "Rome"})
    here = segment(world, "Here", in_city("Dhaka"))
    world.settle()

    said = {"criteria": in_city("Rome")}
    changed = world.call("segments.update_segment", path={"segment_id": here}, body=said).data
    assert (changed["state"], changed["version"]) == ("building", 2)
    world.settle()

    assert members(here) == {bob}
    assert ada not in members(here)


def test_an_older_versions_walk_ends(world: World) -> None:
    people(world, 2)
    here = segment(world, "Here", in_city("Dhaka"))
    old = world.run("segments.backfill_segment", walk(here))
    world.call("segments.update_segment", path={"segment_id": here}, body={"criteria": in_city("Rome")})

    assert world.run("segments.backfill_segment", old)["done"]

    world.settle()
    assert members(here) == set()


def test_criteria_without_time_leave_no_watches(world: World) -> None:
    contact(world, "ada", attributes={"trial_ends": "2999-01-01"})
    soon = segment(world, "Soon", where("trial_ends", "within_next_days", 5))
    world.settle()
    assert len(watched(soon)) == 1

    world.call("segments.update_segment", path={"segment_id": soon}, body={"criteria": in_city("Dhaka")})
    world.settle()

    assert watched(soon) == set()


def test_a_deleted_segment_leaves_nothing(world: World) -> None:
    people(world, 3)
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()

    world.call("segments.delete_segment", path={"segment_id": "in_dhaka"})
    assert world.call("segments.get_segment", path={"segment_id": dhaka}).status == 404
    world.settle()

    assert members(dhaka) == set()
    assert model.find(TENANT, dhaka) is None
    assert segment(world, "In Dhaka", in_city("Dhaka")) != dhaka


def test_a_late_walk_does_not_fill_a_static_segment_again(world: World) -> None:
    people(world, 1)
    then = segment(world, "Then", in_city("Dhaka"), dynamic=False)
    world.settle()
    contact(world, "late", attributes={"city": "Dhaka"})

    assert world.run("segments.backfill_segment", walk(then, shard=0, after=None))["done"]

    assert len(members(then)) == 1


def test_members_are_counted_each_day(world: World, time_travel: Callable[[timedelta], None]) -> None:
    people(world, 2)
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()

    time_travel(timedelta(days=1, minutes=5))
    contact(world, "new", attributes={"city": "Dhaka"})
    world.settle()
    world.run("segments.reevaluate_due")
    world.settle()

    stored = model.find(TENANT, dhaka)
    assert stored is not None
    assert list(stored.days.values()) == [2, 3]
    assert world.call("segments.get_segment", path={"segment_id": dhaka}).data["growth_rate"] == 0.5
