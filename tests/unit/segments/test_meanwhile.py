"""Two work on the same segment at once: what one of them has read is not true any more when it writes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.segments import backfill, changes, figures, membership, model, preview
from drumbeat.segments.model import Definitions, Member, Preview, Segment, State
from drumbeat.segments.views import NewSegment

from tests.meanwhile import changed, quicker, stored, vanished
from tests.unit.segments.conftest import TENANT, contact, in_city, segment
from tests.world import World


def update(world: World, made: str, **body: Any) -> int:
    return int(world.call("segments.update_segment", path={"segment_id": made}, body=body).status)


@pytest.mark.parametrize("body", [{"name": "There"}, {"criteria": in_city("Rome")}])
def test_a_segment_that_is_deleted_while_it_is_changed_stays_deleted(world: World, body: dict[str, Any]) -> None:
    here = segment(world, "Here", in_city("Dhaka"))
    key = Segment.key(TENANT, here)

    with quicker(key, changed, state=State.DELETING.value):
        assert update(world, here, **body) in (404, 409)

    after = stored(key) or {}
    assert (after["state"], after["name"]) == ("deleting", "Here")


def test_two_definitions_at_once_are_checked_against_each_other(world: World) -> None:
    """Each alone makes no circle: so another definition meanwhile refuses this one."""
    here = segment(world, "Here", in_city("Dhaka"))

    with quicker(Segment.key(TENANT, here), lambda _: changed(Definitions.key(TENANT), number=99)):
        assert update(world, here, criteria=in_city("Rome")) == 409


def test_two_new_criteria_at_once_are_two_versions(world: World) -> None:
    here = segment(world, "Here", in_city("Dhaka"))

    with quicker(Segment.key(TENANT, here), changed, version=5):
        assert update(world, here, criteria=in_city("Rome")) == 409


def test_a_segment_that_vanishes_while_it_is_deleted_is_not_there(world: World) -> None:
    here = segment(world, "Here", in_city("Dhaka"))
    key = Segment.key(TENANT, here)

    with quicker(key, vanished):
        assert world.call("segments.delete_segment", path={"segment_id": here}).status == 404

    assert stored(key) is None


def test_a_walk_that_was_overtaken_ends(world: World) -> None:
    here = segment(world, "Here", in_city("Dhaka"))
    walk: Any = {"tenant": TENANT, "segment": here, "version": 1, "phase": "evaluate", "shard": 0, "after": None}

    with quicker(Segment.key(TENANT, here), changed, version=2, gsi2sk="theirs"):
        assert backfill.round_of(walk)["done"]

    assert (stored(Segment.key(TENANT, here)) or {})["gsi2sk"] == "theirs"


@pytest.mark.parametrize("meanwhile", [{"version": 2}, {"state": "deleting"}])
def test_a_walk_that_was_overtaken_makes_nothing_ready(world: World, meanwhile: dict[str, Any]) -> None:
    here = segment(world, "Here", in_city("Dhaka"))
    found = model.get(TENANT, here)
    changed(Segment.key(TENANT, here), **meanwhile)

    backfill._ready({"tenant": TENANT, "segment": here, "version": 1, "phase": "measure"}, found, clock.business())

    assert (stored(Segment.key(TENANT, here)) or {})["state"] != "ready"


def test_a_segment_that_is_deleted_gets_no_figures(world: World) -> None:
    here = segment(world, "Here", in_city("Dhaka"))
    found = model.get(TENANT, here)
    changed(Segment.key(TENANT, here), state=State.DELETING.value)
    before = stored(Segment.key(TENANT, here))

    figures.store(TENANT, found, figures.Figures(), clock.business())

    assert stored(Segment.key(TENANT, here)) == before


@pytest.mark.parametrize("meanwhile", [{"gsi2pk": "DUE#backfills#0"}, {"gsi2sk": "2999-01-01T00:00:00.000Z"}])
def test_two_that_start_the_daily_count_start_one(
    world: World, time_travel: Callable[[timedelta], None], meanwhile: dict[str, Any]
) -> None:
    """Another one has moved the row, or somebody has begun to work on the segment."""
    here = segment(world, "Here", in_city("Dhaka"))
    world.settle()
    time_travel(timedelta(days=2))
    known = len(world.seen)

    with quicker(Segment.key(TENANT, here), changed, **meanwhile):
        world.run("segments.reevaluate_due")
    world.settle()

    assert len(world.seen) == known


def test_a_member_that_was_removed_meanwhile_does_not_come_back(world: World) -> None:
    made = world.call("segments.create_segment", body={"name": "List", "dynamic": False}).data["id"]
    ada = contact(world, "ada")
    row = Member(*Member.key(TENANT, made, ada), since=clock.business())

    membership._Writes(listed=[row]).commit()

    assert stored((row.pk, row.sk)) is None


def test_a_segment_that_is_made_again_is_the_stored_one(world: World) -> None:
    here, now = segment(world, "Here", in_city("Dhaka")), clock.business()
    new = NewSegment(name="Other", criteria=in_city("Rome"))

    assert changes.create(TENANT, new, segment_id=here, created_by="ann", now=now).name == "Here"
    assert model.create_hidden(TENANT, here, "Hidden", now).name == "Here"


def test_a_preview_that_is_asked_for_again_goes_on(world: World) -> None:
    key = Preview.key(TENANT, "job_1")
    preview.preview(TENANT, in_city("Dhaka"), "job_1", clock.business())
    changed(key, matched=7)

    preview.preview(TENANT, in_city("Dhaka"), "job_1", clock.business())

    assert (stored(key) or {})["matched"] == 7
