"""Two are at work on the same export at once."""

from drumbeat import clock
from drumbeat.exports import model, slices
from drumbeat.exports.model import Export

from tests.meanwhile import appeared, changed, quicker, stored
from tests.unit.exports.exported import asked
from tests.world import World

TENANT = "ten_acme"


def queued(world: World) -> Export:
    """An export at which nobody is at work yet."""
    key = Export.key(TENANT, asked(world, kind="contacts").data["id"])
    row = Export.fetch(*key)
    assert row is not None
    return row


def test_a_slice_that_another_run_has_written_is_not_counted_again(world: World) -> None:
    row = queued(world)

    with quicker((row.pk, row.sk), changed, slices=3, rows=7):
        slices._move(row, Export.rows.set(1))

    assert (stored((row.pk, row.sk)) or {})["rows"] == 7


def test_an_export_with_which_somebody_went_on_just_now_gets_no_second_machine(world: World) -> None:
    row = queued(world)
    changed((row.pk, row.sk), gsi2sk="2020-01-01T00:00:00.000Z")

    with quicker((row.pk, row.sk), changed, gsi2sk="2999-01-01T00:00:00.000Z"):
        world.run("exports.sweep_exports")

    assert int((stored((row.pk, row.sk)) or {}).get("runs", 0)) == 0


def test_an_export_that_is_asked_for_twice_at_once_is_one(world: World) -> None:
    row = queued(world)
    again = Export.from_raw_data(row.serialize())
    changed((row.pk, row.sk), state="done", rows=7, created_at=clock.business())

    assert (model.store(again).state, (stored((row.pk, row.sk)) or {})["rows"]) == ("done", 7)


def test_the_first_of_two_at_once_stands(world: World) -> None:
    row = queued(world)
    other = Export.from_raw_data(row.serialize())
    other.state = "done"

    with quicker((row.pk, row.sk), appeared, other):
        assert model.store(Export.from_raw_data(row.serialize())).state == "done"
