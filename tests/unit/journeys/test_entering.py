"""Who may enter, and again; what ends an entry early."""

from typing import Any

import pytest
from drumbeat.contacts.model import Contact
from drumbeat.journeys import advancing
from drumbeat.journeys.entries import Entry

from tests.meanwhile import changed, quicker, vanished
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT


def step(engine: Engine, journey: str) -> None:
    """Do what is due next."""
    advancing.advance(engine.due(journey))


@pytest.mark.parametrize(
    ("re_entry", "inside", "soon", "later"),
    [
        ("never", "already_inside", "entered_before", "entered_before"),
        ("always", "already_inside", "entered", "entered"),
        ("P7D", "already_inside", "too_soon", "entered"),
    ],
)
def test_re_entry(engine: Engine, re_entry: str, inside: str, soon: str, later: str) -> None:
    journey = engine.running(on("x"), mail("one"), re_entry=re_entry)
    who = contact(0)
    assert engine.enter(journey, 0, cause="c1") == {who: "entered"}
    assert engine.enter(journey, 0, cause="c2") == {who: inside}
    assert engine.enter(journey, 0, cause="c1") == {who: "entered"}  # the same cause again
    step(engine, journey)
    assert engine.enter(journey, 0, cause="c3") == {who: soon}
    if soon == "entered":
        step(engine, journey)
    engine.passes(days=8)
    assert engine.enter(journey, 0, cause="c4") == {who: later}
    assert engine.enter(journey, 0, cause="c1") == {who: "entered"}
    assert len(engine.entries(journey)) == 1 + (soon == "entered") + (later == "entered")


@pytest.mark.parametrize("number", [1, 2])
def test_two_triggers_at_once_are_one_entry(engine: Engine, number: int) -> None:
    """A first one, and a second one after the first is over."""
    journey = engine.running(on("x"), mail("one"), re_entry="always")
    if number == 2:
        engine.enter(journey, 0, cause="c0")
        step(engine, journey)
    other: dict[str, Any] = {}
    key = Entry.key(TENANT, journey, contact(0), number)
    with quicker(key, lambda _: other.update(engine.enter(journey, 0, cause="c2"))):
        assert engine.enter(journey, 0, cause="c1") == {contact(0): "already_inside"}
    assert other == {contact(0): "entered"} and len(engine.entries(journey)) == number


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
    engine.world.run("journeys.follow_segments", {"detail-type": "segment.left", "detail": left})
    assert engine.entry(journey).state == "waiting"
    # Nothing was told (the bus is late), and yet the wake sees it.
    engine.world.call("contacts.update_contact", path={"contact_id": contact(0)}, body={"attributes": {"vip": False}})
    engine.world._streams()
    step(engine, journey)  # the first entry's wake: it is over
    step(engine, journey)
    assert engine.entry(journey).reason == "left_segment" and not engine.handed_over(journey)


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
