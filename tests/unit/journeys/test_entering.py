"""Who may enter, and again; what ends an entry early."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from drumbeat import clock, table
from drumbeat.activity.work import StayMessage
from drumbeat.contacts.model import Contact
from drumbeat.journeys import advancing, meeting, model, triggering
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.triggering import Candidate
from drumbeat.segments.history import Spell

from tests.meanwhile import changed, quicker, vanished
from tests.sends import batch
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT, Clocked


def step(engine: Engine, journey: str) -> None:
    """Do what is due next."""
    advancing.advance(engine.due(journey))


def test_re_entry(clocked: Clocked) -> None:
    matrix = [
        ("never", "entered_before", "entered_before"), ("always", "entered", "entered"), ("P7D", "too_soon", "entered"),
    ]  # fmt: skip
    engine = Engine(clocked, people=len(matrix))
    journeys = [engine.running(on("x"), mail("one"), re_entry=re_entry) for re_entry, _, _ in matrix]
    for place, (journey, (_, soon, _)) in enumerate(zip(journeys, matrix, strict=True)):
        who = contact(place)
        assert engine.enter(journey, place, cause="c1") == {who: "entered"}
        assert engine.enter(journey, place, cause="c2") == {who: "already_inside"}
        assert engine.enter(journey, place, cause="c1") == {who: "entered"}  # the same cause again
        step(engine, journey)
        assert engine.enter(journey, place, cause="c3") == {who: soon}
        if soon == "entered":
            step(engine, journey)
    engine.time.passes(timedelta(days=8))
    for place, (journey, (_, soon, later)) in enumerate(zip(journeys, matrix, strict=True)):
        assert engine.enter(journey, place, cause="c4") == {contact(place): later}
        assert engine.enter(journey, place, cause="c1") == {contact(place): "entered"}
        assert len(engine.entries(journey, place)) == 1 + (soon == "entered") + (later == "entered")


def test_two_triggers_at_once_are_one_entry(engine: Engine) -> None:
    """A first one, and a second one after the first is over."""
    journey = engine.running(on("x"), mail("one"), re_entry="always")
    for number in (1, 2):
        other: dict[str, Any] = {}
        key = Entry.key(TENANT, journey, contact(0), number)
        with quicker(key, lambda _, to=other, by=f"b{number}": to.update(engine.enter(journey, 0, cause=by))):
            assert engine.enter(journey, 0, cause=f"a{number}") == {contact(0): "already_inside"}
        assert other == {contact(0): "entered"} and len(engine.entries(journey)) == number
        step(engine, journey)


def test_a_cause_that_is_still_to_come_lets_in_once_also_after_others(engine: Engine) -> None:
    """A birthday is looked at a day before; its look is repeated when the contact has entered otherwise since."""
    journey = engine.running({"type": "api"}, {"id": "over", "type": "exit"}, re_entry="always")
    definition, now = model.version(TENANT, journey, 1).read, clock.business()
    tomorrow = Candidate(contact(0), "birthday#2026", now + timedelta(days=1), now, {})
    for cause in ("asked", None, "asked again"):
        if cause is None:
            triggering.enter(engine.get(journey), definition, [tomorrow])
        else:
            engine.enter(journey, 0, cause=cause)
        step(engine, journey)
    assert triggering.enter(engine.get(journey), definition, [tomorrow]) == {contact(0): "entered"}
    assert [entry.cause for entry in engine.entries(journey)] == ["asked again", "birthday#2026", "asked"]


def test_an_exit_comes_before_the_step_of_the_moment(engine: Engine) -> None:
    engine.clocked.people(2)
    journey = engine.running(on("x"), wait("w", "PT1H"), mail("one"))
    engine.enter(journey, 0, 1)
    step(engine, journey)
    revoked = '{"email":{"status":"revoked","at":"2026-03-02T09:00:00.000Z"}}'
    changed(Contact.key(TENANT, contact(0)), consent=revoked)
    vanished(Contact.key(TENANT, contact(1)))
    step(engine, journey)
    for place, reason in enumerate(("unsubscribed", "contact_deleted")):
        entry = engine.entry(journey, place)
        assert (entry.state, entry.reason) == ("exited", reason) and entry.wake is None
    assert not engine.handed_over(journey)


def test_a_version_that_no_longer_asks_for_a_segment_does_not_follow_it(engine: Engine) -> None:
    segment = engine.clocked.segment()
    journey = engine.running(
        {"type": "segment", "segment": segment}, wait("w", "P3D"), exit_on={"segment": segment}
    )  # fmt: skip
    body: dict[str, Any] = {"trigger": {"type": "api"}, "terms": {}}
    path = {"journey_id": journey}
    assert engine.world.call("journeys.update_journey", path=path, body=body).status == 200
    assert engine.world.call("journeys.publish_journey", path=path, body={}).status == 200

    now = clock.business()
    meeting.joined(TENANT, contact(0), StayMessage(segment=segment, joined_at=now, event_id="evt_1"))
    assert not engine.entries(journey)
    engine.enter(journey, 0)
    later = now + timedelta(seconds=1)
    meeting.left(TENANT, contact(0), StayMessage(segment=segment, joined_at=now, left_at=later, event_id="evt_2"))
    assert engine.entry(journey).state == "waiting"


def test_who_joins_a_segment_enters_and_who_leaves_it_leaves(engine: Engine) -> None:
    segment = engine.clocked.segment("VIP", conditions=[{"field": "vip", "operator": "is_true"}])
    journey = engine.running(
        {"type": "segment", "segment": "vip"}, wait("w", "P3D"), mail("one"), exit_on={"segment": segment},
        re_entry="always",
    )  # fmt: skip
    for vip, state, number in ((True, "waiting", 1), (False, "exited", 1), (True, "waiting", 2)):
        body = {"attributes": {"vip": vip}}
        assert engine.world.call("contacts.update_contact", path={"contact_id": contact(0)}, body=body).status == 200
        engine.soon()
        assert (engine.entry(journey).state, len(engine.entries(journey))) == (state, number)
    # What was told of the first leaving comes again, late: it says nothing of the second entry.
    left = next(frame for frame in engine.world.published if frame["event_type"] == "segment.left")
    said = {**left["data"], "segment": segment, "event_id": left["metadata"]["event_id"]}
    message = {"tenant": TENANT, "contact": contact(0), "stay": said}
    engine.world.run("journeys.meet_event", batch([message]))
    assert engine.entry(journey).state == "waiting"
    # Nothing was told (the bus is late), and yet the wake sees it.
    engine.world.call("contacts.update_contact", path={"contact_id": contact(0)}, body={"attributes": {"vip": False}})
    engine.world._streams()
    step(engine, journey)  # the first entry's wake: it is over
    step(engine, journey)
    assert engine.entry(journey).reason == "left_segment" and not engine.handed_over(journey)


def test_a_journey_follows_a_segment_whose_stays_are_not_put_on_the_bus(engine: Engine) -> None:
    """And nobody is told of segments that no journey follows."""
    said = engine.world.call("accounts.update_settings", body={"segment_events": False})
    assert said.status == 200, said.text
    conditions = [{"field": "vip", "operator": "is_true"}]
    segment = engine.clocked.segment("VIP", conditions=conditions)
    other = engine.clocked.segment("VIP two", conditions=conditions)
    trigger = {"type": "segment", "segment": segment}
    journey = engine.running(trigger, wait("w", "P3D"), mail("one"), exit_on={"segment": segment})
    for vip, state in ((True, "waiting"), (False, "exited")):
        body = {"attributes": {"vip": vip}}
        assert engine.world.call("contacts.update_contact", path={"contact_id": contact(0)}, body=body).status == 200
        engine.soon()
        assert engine.entry(journey).state == state
    assert not [frame for frame in engine.world.published if frame["event_type"].startswith("segment.")]
    untold = table.rows(Spell, Spell.key(TENANT, other, contact(0), clock.wall())[0])
    assert ["bus" in row.attribute_values or "waited" in row.attribute_values for row in untold] == [False]


def test_one_bad_member_fails_alone_and_says_why(engine: Engine) -> None:
    engine.clocked.people(3)
    changed(Contact.key(TENANT, contact(1)), attributes='{"renewal":"soon"}')
    for place in (0, 2):
        changed(Contact.key(TENANT, contact(place)), attributes='{"renewal":"2026-02-01"}')
    journey = engine.running(on("x"), {"id": "w", "type": "wait", "until_date": {"attribute": "renewal"}}, mail("one"))
    engine.enter(journey, 0, 1, 2)
    step(engine, journey)
    assert engine.handed_over(journey) == {(contact(0), "one"): 1, (contact(2), "one"): 1}
    failed = engine.entry(journey, 1)
    assert failed.state == "failed" and failed.reason == "w: the attribute renewal holds no date"
    assert failed.said[-1]["why"] == "the attribute renewal holds no date"


def test_trouble_of_ours_fails_the_task_and_no_member(engine: Engine) -> None:
    journey = engine.running(on("x"), mail("one"), goal={"event": "purchase"})
    engine.enter(journey, 0)
    state = engine.due(journey)

    def lost(params: dict[str, Any], **_: Any) -> None:
        if "TIMELINE#" in str(params):  # what is asked of one member
            raise EndpointConnectionError(endpoint_url="dynamodb")

    events = table.connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb.Query", lost)
    try:
        with pytest.raises(Exception, match="Could not connect"):
            advancing.advance(state)
    finally:
        events.unregister("before-parameter-build.dynamodb.Query", lost)
    assert engine.entry(journey).state == "waiting"
    advancing.advance(state)
    assert engine.handed_over(journey) == {(contact(0), "one"): 1}


def test_a_step_that_breaks_for_one_member_fails_that_one(clocked: Clocked) -> None:
    engine = Engine(clocked, people=2)
    journey = engine.running(on("x"), {"id": "u", "type": "update_contact", "increment": {"visits": 1.5}}, mail("one"))
    changed(Contact.key(TENANT, contact(0)), attributes='{"visits":1e999}')  # infinity, as JSON of old imports had it
    engine.enter(journey, 0, 1)
    step(engine, journey)
    assert engine.entry(journey, 1).state == "done" and engine.entry(journey, 0).state in ("done", "failed")
    assert (contact(1), "one") in engine.handed_over(journey)
