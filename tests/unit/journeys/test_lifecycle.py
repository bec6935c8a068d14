"""Pausing and resuming lose nobody; versions; what must be there before a journey runs."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.errors import Conflict
from drumbeat.journeys import advancing, lifecycle, model, sending, wakes
from drumbeat.journeys.lifecycle import NotReady
from drumbeat.journeys.model import Journey, WrongStatus
from drumbeat.journeys.wakes import Wake
from drumbeat.sends import environment, states
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send

from tests.meanwhile import changed, quicker
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.journeys.test_repeats import Died, dying
from tests.unit.sends.conftest import TENANT, Clocked


def paused(engine: Engine, journey: str) -> None:
    lifecycle.pause(engine.get(journey), clock.business(), reason="Updating email templates")


def resumed(engine: Engine, journey: str) -> None:
    lifecycle.resume(engine.get(journey), clock.business())


def test_while_it_is_paused_nobody_goes_on_and_nobody_is_lost(clocked: Clocked) -> None:
    engine = Engine(clocked, people=2)
    journey = engine.running(on("x"), wait("w", "P1D"), mail("one"), wait("v", "P1D"), mail("two"))
    engine.enter(journey, 0)
    engine.soon()
    paused(engine, journey)
    for _ in range(2):
        engine.time.passes(timedelta(days=1, hours=12))
        engine.settle(sweep=True)
    engine.enter(journey, 1)  # enters, and waits
    engine.passes(hours=1, sweep=True)
    assert not engine.handed_over(journey) and engine.entry(journey, 1).state == "waiting"
    resumed(engine, journey)
    engine.settle()
    # What was due two days ago goes on now, and does not bring its second mail with it.
    assert engine.handed_over(journey) == {(contact(0), "one"): 1}
    engine.passes(days=4)
    assert engine.handed_over(journey) == {(contact(place), step): 1 for place in (0, 1) for step in ("one", "two")}


def test_a_wake_that_is_due_while_the_journey_is_resumed_acts(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    paused(engine, journey)
    state = engine.due(journey)
    with quicker(Wake.key(TENANT, journey, state["wake"]), lambda _: resumed(engine, journey)):
        advancing.advance(state)
    assert engine.handed_over(journey) == {(contact(0), "one"): 1}


def test_a_paused_journey_may_refuse_who_would_enter(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"), while_paused="refuse")
    paused(engine, journey)
    assert engine.enter(journey, 0) == {contact(0): "journey_paused"}


def test_what_a_send_has_not_sent_stops_with_the_journey_and_goes_on_with_it(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    paused(engine, journey)
    engine.settle()
    assert not engine.mails()
    resumed(engine, journey)
    engine.settle()
    assert engine.mails() == {("p0@town.example", "one"): 1}


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_resumption_that_dies_is_done_again(engine: Engine, after: int) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    paused(engine, journey)
    with dying(after), suppress(Died):
        resumed(engine, journey)
    with suppress(WrongStatus):  # it had come that far
        resumed(engine, journey)
    engine.settle(sweep=True)
    assert engine.mails() == {("p0@town.example", "one"): 1}


def test_a_pause_that_is_overtaken_by_a_resumption_stops_nothing(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    [row] = sending.of_journey(TENANT, journey)
    with quicker(Send.key(TENANT, row.send_id), lambda _: resumed(engine, journey)):
        paused(engine, journey)
    engine.settle()
    assert engine.get(journey).status == "active" and engine.mails() == {("p0@town.example", "one"): 1}


def test_a_journey_whose_template_has_gone_pauses_and_says_why(engine: Engine) -> None:
    template = engine.clocked.template()
    journey = engine.running(on("x"), {"id": "m", "type": "send", "template": template})
    engine.enter(journey, 0)
    assert engine.world.call("templates.delete_template", path={"template_id": template}).status == 200
    engine.soon()
    assert engine.get(journey).status == "paused" and "step m: There is no template" in engine.get(journey).reason
    assert engine.entry(journey).state == "waiting"
    engine.revised(journey, mail("m"), migrate=True)
    resumed(engine, journey)
    engine.settle()
    assert engine.mails() == {("p0@town.example", "m"): 1}


def test_those_inside_finish_their_version_or_move_to_the_next_one(clocked: Clocked) -> None:
    engine = Engine(clocked, people=3)
    old = (wait("w", "P1D"), mail("gone"), mail("kept"))
    finishing, moving = (engine.running(on("x"), *old) for _ in range(2))
    for journey in (finishing, moving):
        engine.enter(journey, 0)
        advancing.advance(engine.due(journey))
        engine.revised(journey, wait("w", "P2D"), mail("new"), mail("kept"), migrate=journey == moving)
    for journey, subjects in ((finishing, {"gone", "kept"}), (moving, {"new", "kept"})):
        advancing.advance(engine.due(journey))
        assert {step for _, step in engine.handed_over(journey)} == subjects
        assert engine.entry(journey).state == "done"
    assert ("w", "done") in engine.told(moving) and engine.entry(moving).version == 2
    assert engine.enter(finishing, 1) and engine.entry(finishing, 1).version == 2


def test_who_moves_at_a_message_has_one_record_of_it(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    state = engine.due(journey)
    engine.revised(journey, mail("one"), mail("two"), migrate=True)
    advancing.advance(state)
    told = [(said["type"], "message" in said) for said in engine.entry(journey).said]
    assert told == [("entry", False), ("version", False), ("send", True), ("send", True)]


def test_whose_step_has_vanished_goes_on_with_the_next_one_that_is_kept(engine: Engine) -> None:
    journey = engine.running(on("x"), wait("w", "P1D"), mail("gone"), mail("kept"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    engine.revised(journey, mail("new"), mail("kept"), migrate=True)
    advancing.advance(engine.due(journey))
    assert set(engine.handed_over(journey)) == {(contact(0), "kept")}


def test_an_archived_journey_lets_everybody_go_and_hears_no_events(engine: Engine) -> None:
    journey = engine.running(on("signed_up"), wait("w", "P1D"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    lifecycle.archive(engine.get(journey), clock.business())
    advancing.advance(engine.due(journey))
    assert engine.entry(journey).reason == "journey_archived" and not list(wakes.of_journey(TENANT, journey))
    engine.happens(0, "signed_up")
    assert not [row for row in engine.world._changes() if "waited" in row["dynamodb"].get("NewImage", {})]


def test_what_is_missing_is_named_before_it_runs(engine: Engine) -> None:
    wanted: list[tuple[dict[str, Any], dict[str, Any], str]] = [
        ({"type": "segment", "segment": "nobody"}, mail("m"), "trigger.segment"),
        (on("x"), {"id": "m", "type": "send", "template": "nothing"}, "steps[0].template"),
        (on("x"), mail("m", channel="pigeon"), "steps[0].channel"),
        (on("x"), {"id": "e", "type": "enrol", "journey": "none"}, "steps[0].journey"),
        (on("x"), {"id": "s", "type": "add_to_segment", "segment": "none"}, "steps[0].segment"),
        (on("x"), mail("m", next="n"), "steps[0].next"),
    ]
    for trigger, step, field in wanted:
        journey = engine.drafted(trigger, step)
        with pytest.raises(NotReady) as refused:
            lifecycle.publish(journey, "usr_1", clock.business())
        assert {detail.field for detail in refused.value.details} == {field}
        assert model.get(TENANT, journey.journey_id).status == "draft"


def test_of_two_who_publish_at_once_one_is_refused(engine: Engine) -> None:
    journey = engine.drafted(on("x"), mail("m"))
    other = model.get(TENANT, journey.journey_id)
    key = Journey.key(TENANT, journey.journey_id)
    with (
        quicker(key, lambda _: lifecycle.publish(other, "usr_2", clock.business())),
        pytest.raises(Conflict, match="same time"),
    ):
        lifecycle.publish(journey, "usr_1", clock.business())
    assert engine.get(journey.journey_id).version == 1


def test_in_a_restored_copy_nobody_goes_on_until_somebody_resumes_the_journey(engine: Engine) -> None:
    journey = engine.running(on("x"), wait("w", "PT1H"), mail("one"))
    engine.enter(journey, 0)
    engine.soon()
    changed(Environment.key(), belongs_to="another table")
    environment.forget()
    engine.passes(hours=2, sweep=True)
    assert not engine.handed_over(journey)
    assert engine.world.run("sends.adopt_copy", {})["data"]["journeys_paused"] == 1
    engine.passes(hours=2, sweep=True)
    assert engine.get(journey).reason == "restored_copy" and not engine.handed_over(journey)
    resumed(engine, journey)
    engine.settle()
    assert engine.handed_over(journey) == {(contact(0), "one"): 1}


@pytest.mark.parametrize("reason", ["restored_copy", "provider_refused:MessageRejected"])
def test_whoever_resumes_a_journey_lets_its_sends_go_on_whatever_stopped_them(engine: Engine, reason: str) -> None:
    """Nobody else can: a send of a journey has no campaign that could be resumed."""
    journey = engine.running(on("x"), mail("one"))
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    (row,) = sending.of_journey(TENANT, journey)
    states.pause(TENANT, row.send_id, reason)
    paused(engine, journey)
    engine.settle()
    assert not engine.mails()
    resumed(engine, journey)
    engine.settle()
    assert engine.mails() == {("p0@town.example", "one"): 1}
