"""Two work on the same journey at once: what one of them has read is not true any more when it writes."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drumbeat import clock, ids, table
from drumbeat.activity.model import Timeline
from drumbeat.activity.work import HappenedMessage, StayMessage
from drumbeat.errors import Conflict
from drumbeat.journeys import (
    advancing,
    dry_run,
    enrolments,
    lifecycle,
    measuring,
    meeting,
    model,
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
from drumbeat.sends.model import SHARDS, Chunk, Send, SendKey
from drumbeat.table import ConditionFailed, TransactionRefused

from tests import rewind
from tests.meanwhile import appeared, changed, quicker, stored
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT, Clocked
from tests.world import World

LATER = "2999-01-01T00:00:00.000Z"


def started() -> int:
    """How many executions of machines were started."""
    return sum(len(machine.executions) for machine in rewind.backend("stepfunctions").state_machines)


def message(journey: str) -> Any:
    """The first step of its first version."""
    return model.version(TENANT, journey, 1).read.steps[0]


def meet(event_id: str) -> None:
    """What comes of an event that has happened."""
    (row,) = (row for row in table.rows(Timeline, Timeline.partition(TENANT, contact(0))) if row.event_id == event_id)
    meeting.meet(HappenedMessage(tenant=TENANT, contact=contact(0), row=row.sk))


def entry_key(journey: str) -> tuple[str, str]:
    return Entry.key(TENANT, journey, contact(0), 1)


def wake_of(state: dict[str, Any]) -> Wake:
    found = Wake.fetch(*Wake.key(TENANT, state["journey"], state["wake"]))
    assert found is not None
    return found


def head_of(journey: str) -> Cell:
    found = Cell.fetch(Cell.partition(TENANT, journey), measuring.HEAD)
    assert found is not None
    return found


def test_a_chunk_that_another_wake_wrote_meanwhile_stays(engine: Engine) -> None:
    """Two wakes of the same day's send may come to the same shard, and to the same number in it."""
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)
    send = sending.of_today(engine.get(journey), 1, message(journey), "hold", clock.business())
    shard = ids.shard(wake_of(state).pk, SHARDS)

    with quicker(Chunk.key(TENANT, send.send_id, shard, 0), appeared, planning.chunk_of(send, shard, 0, [contact(9)])):
        advancing.advance(state)

    assert engine.handed_over(journey) == {(contact(0), "one"): 1, (contact(9), "one"): 1}


def test_whoever_leaves_while_a_step_has_its_effect_has_left(engine: Engine) -> None:
    other = engine.running(on("y"), mail("other"))
    journey = engine.running(on("x"), {"id": "e", "type": "enrol", "journey": other}, mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)

    with quicker(entry_key(journey), changed, state="exited", reason="goal", moves=5, step=None, wake=None):
        advancing.advance(state)

    assert len(engine.told(journey)) == 1 and engine.entry(journey).step is None


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
    engine.happens(0, "purchase", event_id="e1")

    with quicker(entry_key(journey), lambda _: advancing.advance(state)):
        meet("e1")

    assert engine.entry(journey).step == "v" and engine.entry(journey).met is None


def test_of_two_events_that_reach_the_goal_at_once_the_first_counts(engine: Engine) -> None:
    journey = engine.running(on("x"), wait("w", "PT1H"), goal={"event": "purchase"}, exit_on={"goal": False})
    engine.enter(journey, 0)
    for name in ("e1", "e2"):
        engine.happens(0, "purchase", event_id=name)

    with quicker(entry_key(journey), lambda _: meet("e2")):
        meet("e1")

    assert engine.entry(journey).goal["event_id"] == "e2"


def test_a_goal_that_an_event_reaches_while_the_last_step_is_done_is_kept(engine: Engine) -> None:
    steps = wait("w", "PT1H"), {"id": "g", "type": "goal"}
    journey = engine.running(on("x"), *steps, goal={"event": "purchase"}, exit_on={"goal": False})
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    state = engine.due(journey)
    engine.happens(0, "purchase", event_id="e1", properties={"value": 5})

    with quicker(entry_key(journey), lambda _: meet("e1")):
        advancing.advance(state)

    assert engine.entry(journey).state == "done" and engine.entry(journey).goal["value"] == 500


def test_whoever_is_through_when_they_leave_the_segment_is_through(engine: Engine) -> None:
    segment = engine.clocked.segment()
    journey = engine.running(on("x"), wait("w", "PT1H"), exit_on={"segment": segment})
    engine.enter(journey, 0)

    with quicker(entry_key(journey), changed, state="done", reason="completed", moves=5):
        now = clock.business()
        stay = StayMessage(segment=segment, joined_at=now, left_at=now + timedelta(minutes=1), event_id="evt_1")
        meeting.left(TENANT, contact(0), stay)

    assert engine.entry(journey).reason == "completed"


def test_two_who_change_a_journey_at_once_are_told(engine: Engine) -> None:
    made = engine.running(on("x"), mail("one"))
    for act in (lifecycle.pause, lifecycle.archive, lambda one, now: lifecycle.publish(one, "usr_1", now)):
        journey = engine.get(made)
        with quicker((journey.pk, journey.sk), changed, description="meanwhile"), pytest.raises(Conflict):
            act(journey, clock.business())
    assert (engine.get(made).status, engine.get(made).version) == ("active", 1)


def test_a_journey_that_is_archived_meanwhile_does_not_pause_itself(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))

    with quicker(Journey.key(TENANT, journey), changed, status="archived"):
        lifecycle.pause_itself(TENANT, journey, "no template")

    assert engine.get(journey).status == "archived"


def test_a_send_that_ends_while_its_journey_is_resumed_has_ended(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    (row,) = sending.of_journey(TENANT, journey)
    lifecycle.pause(engine.get(journey), clock.business())
    key = Send.key(TENANT, row.send_id)

    with quicker(key, changed, state="sent"):
        lifecycle.resume(engine.get(journey), clock.business())

    assert (stored(key) or {})["state"] == "sent"


def test_a_journey_that_is_made_twice_is_made_once(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    again = model.make(TENANT, journey, "Again", engine.get(journey).definition, None, clock.business())

    assert model.add(again).version == 1 and engine.get(journey).name == "Welcome"


def test_a_send_that_is_cancelled_meanwhile_does_not_go_on_with_its_journey(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    lifecycle.pause(engine.get(journey), clock.business())
    (row,) = sending.of_journey(TENANT, journey)
    key = Send.key(TENANT, row.send_id)

    with quicker(key, changed, state="cancelled"):
        lifecycle.resume(engine.get(journey), clock.business())

    assert (stored(key) or {})["state"] == "cancelled"


def test_what_is_done_meanwhile_is_not_started_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a resumption, or by a sweep: wakes, walks over audiences, passes over figures, and turns of schedules."""
    monkeypatch.setattr(measuring, "PATIENCE", -1.0)
    journey = engine.running({"type": "date", "attribute": "birthday"}, mail("one"))
    engine.enter(journey, 0)
    wake = wake_of(engine.due(journey))
    (walk,) = enrolments.begin(engine.get(journey), "cause", clock.business(), {"segment": None})
    measuring.measured(TENANT, journey, clock.business())
    engine.time.passes(timedelta(minutes=10))
    before = started()

    with (
        quicker((wake.pk, wake.sk), changed, gsi2sk=LATER),
        quicker((walk.pk, walk.sk), changed, gsi2sk=LATER),
        quicker((Cell.partition(TENANT, journey), measuring.HEAD), changed, gsi2sk=LATER),
        quicker(Journey.key(TENANT, journey), changed, gsi2sk=LATER),
    ):
        sweeping.sweep(clock.business())
    lifecycle.pause(engine.get(journey), clock.business())
    with quicker((wake.pk, wake.sk), changed, done_at=clock.business()):
        lifecycle.resume(engine.get(journey), clock.business())

    # The turn was begun, under a name of its own; that it comes again is what others have said.
    assert started() == before + enrolments.LANES and engine.get(journey).gsi2sk == LATER


def test_an_enrolment_that_is_asked_for_again_goes_on_where_it_is(clocked: Clocked) -> None:
    engine = Engine(clocked, people=3)
    journey = engine.get(engine.running(on("x"), mail("one")))
    first = enrolments.named(journey, [contact(0)], "asked", clock.business())
    (walk,) = enrolments.begin(journey, "cause", clock.business(), {"segment": None})
    while not enrolments.enrol(walk.state)["done"]:
        pass
    engine.time.passes(timedelta(minutes=1))

    again = enrolments.named(journey, [contact(0)], "asked", clock.business())
    (walked,) = enrolments.begin(journey, "cause", clock.business(), {"segment": None})

    assert again.finished_at == first.finished_at and walked.done


def test_a_slow_run_of_an_enrolment_does_not_set_it_back(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(clocked, people=3)
    monkeypatch.setattr(enrolments, "SLICE", 1)
    journey = engine.get(engine.running(on("x"), mail("one")))
    (walk,) = enrolments.begin(journey, "cause", clock.business(), {"segment": None})

    def go_on(_: Any) -> None:
        while not enrolments.enrol(walk.state)["done"]:
            pass

    with quicker((walk.pk, walk.sk), go_on):
        assert enrolments.enrol(walk.state)["done"]

    row = Enrolment.fetch(walk.pk, walk.sk)
    assert row is not None and row.done and sum(row.counts.values()) == 3


def test_figures_of_a_later_time_stay(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    began = clock.business()
    engine.time.passes(timedelta(minutes=1))
    now = clock.business().replace(microsecond=0)
    measuring.measured(TENANT, journey, now)

    measuring.round_of({"tenant": TENANT, "journey": journey, "shard": 0, "day": "", "began": clock.iso(began)})
    assert head_of(journey).as_of == now

    engine.time.passes(timedelta(minutes=1))
    now = clock.business().replace(microsecond=0)
    assert measuring.measured(TENANT, journey, now).as_of == now

    engine.time.passes(timedelta(minutes=1))
    monkeypatch.setattr(measuring, "PATIENCE", -1.0)
    assert not measuring.measured(TENANT, journey, clock.business()).complete
    assert head_of(journey).left  # the rest of the pass waits


def test_a_dry_run_is_made_once_and_never_goes_back(engine: Engine) -> None:
    asked = DryRunRequest.model_validate({"journey_id": engine.running(on("x"), mail("one"))})
    state = {"tenant": TENANT, "job": "job_1"}
    dry_run.begin(TENANT, asked, "job_1", clock.business())

    with quicker(DryRun.key(TENANT, "job_1"), lambda _: replays.round_of(dict(state))):
        replays.round_of(dict(state), seconds=-1.0)

    assert dry_run.begin(TENANT, asked, "job_1", clock.business()).state == "done"
    assert int((stored(DryRun.key(TENANT, "job_1")) or {})["shard"]) > 0


def send_of_today(journey: str) -> Send:
    return sending.of_today(model.get(TENANT, journey), 1, message(journey), "hold", clock.business())


def id_of_today(journey: str) -> str:
    return ids.derived("snd", TENANT, journey, "1", "one", clock.business().date().isoformat(), "0")


def test_of_two_who_make_a_days_send_at_once_one_makes_it(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    made: list[Send] = []

    with quicker(Send.key(TENANT, id_of_today(journey)), lambda _: made.append(send_of_today(journey))):
        made.append(send_of_today(journey))

    assert [clock.iso(send.launched_at) for send in made] == [clock.iso(made[0].launched_at)] * 2


def test_what_verifies_the_tokens_of_another_send_is_not_replaced(engine: Engine) -> None:
    """Short tokens have names that are drawn: two may be the same once."""
    journey = engine.running(on("x"), mail("one"))
    key = SendKey.key(id_of_today(journey))
    taken = SendKey(*key, send="snd_other", tenant=TENANT, campaign="cmp_1", secret=b"secret", links=[])

    with quicker(key, appeared, taken), pytest.raises(TransactionRefused):
        send_of_today(journey)

    assert (stored(key) or {})["send"] == "snd_other"


def test_a_wake_that_is_closed_twice_began_to_act_once(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)
    wake = wake_of(state)

    with quicker((wake.pk, wake.sk), changed, closed_at="2026-03-02T09:00:00.000Z"):
        wakes.close(wake)

    assert wake_of(state).closed_at == datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_wake_takes_whoever_joins_until_it_is_full_or_acts(world: World) -> None:
    minute = clock.business()

    def take(shard: int, places: int) -> Wake:
        return wakes._take(TENANT, "jrn_1", f"1#20260302T0900#{shard}", minute, places)

    assert [take(0, places).size for places in (999, 1)] == [999, wakes.MOST_MEMBERS]
    wakes.close(take(1, 1))
    for shard in (0, 1):
        with pytest.raises(ConditionFailed):
            take(shard, 1)
