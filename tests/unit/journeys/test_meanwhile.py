"""Two work on the same journey at once: what one of them has read is not true any more when it writes."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, ids
from drumbeat.errors import Conflict
from drumbeat.journeys import (
    advancing,
    dry_run,
    enrolments,
    lifecycle,
    measuring,
    meeting,
    model,
    recurring,
    replays,
    sending,
    sweeping,
    wakes,
)
from drumbeat.journeys.dry_run import DryRun, DryRunRequest
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.model import Journey
from drumbeat.journeys.wakes import Wake
from drumbeat.sends import planning
from drumbeat.sends.model import SHARDS, Chunk, Send

from tests import rewind
from tests.meanwhile import appeared, changed, quicker, stored
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT

LATER = "2999-01-01T00:00:00.000Z"


def started() -> int:
    """How many executions of machines were started."""
    return sum(len(machine.executions) for machine in rewind.backend("stepfunctions").state_machines)


def entry_key(journey: str) -> tuple[str, str]:
    return Entry.key(TENANT, journey, contact(0), 1)


def wake_of(state: dict[str, Any]) -> Wake:
    found = Wake.fetch(*Wake.key(TENANT, state["journey"], state["wake"]))
    assert found is not None
    return found


def test_a_chunk_that_another_wake_wrote_meanwhile_stays(engine: Engine) -> None:
    """Two wakes of the same day's send may come to the same shard, and to the same number in it."""
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)
    step = model.version(TENANT, journey, 1).read.steps[0]
    send = sending.of_today(engine.get(journey), 1, step, "hold", clock.business())
    shard = ids.shard(wake_of(state).pk, SHARDS)

    with quicker(
        Chunk.key(TENANT, send.send_id, shard, 0), appeared, planning.chunk_of(send, shard, 0, [contact(9)])
    ):
        advancing.advance(state)

    assert engine.handed_over(journey) == {(contact(0), "one"): 1, (contact(9), "one"): 1}


def test_whoever_leaves_while_a_step_has_its_effect_has_left(engine: Engine) -> None:
    other = engine.running(on("y"), mail("other"))
    journey = engine.running(on("x"), {"id": "e", "type": "enrol", "journey": other}, mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)

    with quicker(entry_key(journey), changed, state="exited", reason="goal", moves=5, step=None, wake=None):
        advancing.advance(state)

    assert engine.told(journey)[-1][0] != "e" and engine.entry(journey).step is None


def test_whoever_is_moved_while_they_are_enrolled_elsewhere_is_enrolled_there_once(engine: Engine) -> None:
    other = engine.running(on("y"), {"id": "over", "type": "exit"}, re_entry="always")
    journey = engine.running(on("x"), {"id": "e", "type": "enrol", "journey": other})
    engine.enter(journey, 0)
    state = engine.due(journey)

    def moved(_: Any) -> None:
        advancing.advance(engine.due(other))
        wakes.move([engine.entry(journey)], clock.business())

    with quicker(entry_key(journey), moved):
        advancing.advance(state)
    advancing.advance(engine.due(journey))

    assert engine.entry(journey).state == "done" and len(engine.entries(other)) == 1


def test_whoever_moves_meanwhile_is_not_moved_to_another_wake(engine: Engine) -> None:
    journey = engine.running(on("x"), wait("w", "PT1H"))
    engine.enter(journey, 0)
    entry = engine.entry(journey)

    with quicker(entry_key(journey), changed, wake="elsewhere", moves=5):
        wakes.move([entry], clock.business() + timedelta(hours=1))

    assert engine.entry(journey).wake == "elsewhere"


def test_an_event_does_not_wake_whose_wait_is_over_meanwhile(engine: Engine) -> None:
    waiting = {"id": "w", "type": "wait_for_event", "event": "purchase", "time_out": "PT1H"}
    journey = engine.running(on("x"), waiting, wait("v", "P1D"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    state = engine.due(journey)
    engine.happens(0, "purchase")

    with quicker(entry_key(journey), lambda _: advancing.advance(state)):
        engine.world._streams()
        engine.world._queues()

    assert engine.entry(journey).step == "v" and engine.entry(journey).met is None


@pytest.mark.parametrize("exits", [True, False])
def test_a_goal_that_was_reached_meanwhile_stays(engine: Engine, exits: bool) -> None:
    """Two events that reach it come at once; and the entry's own step says that it is reached."""
    terms = {"goal": {"event": "purchase"}, "exit_on": {"goal": exits}}
    journey = engine.running(on("x"), wait("w", "PT1H"), {"id": "g", "type": "goal"}, **terms)
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    engine.happens(0, "purchase", properties={"value": 5})

    def reached(_: Any) -> None:
        engine.happens(0, "purchase", properties={"value": 7})
        advancing.advance(engine.due(journey)) if exits else None

    with quicker(entry_key(journey), reached):
        engine.world._streams()
        engine.world._queues()
