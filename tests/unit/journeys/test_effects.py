"""What steps do besides messages: each once, however often it is repeated."""

from typing import Any

from drumbeat.contacts.model import Contact
from drumbeat.events import Outbox
from drumbeat.journeys import advancing
from drumbeat.journeys.entries import Entry

from tests.meanwhile import changed, quicker
from tests.unit.journeys.engine import Engine, contact, mail, on, stored
from tests.unit.journeys.test_repeats import Died, dying
from tests.unit.sends.conftest import TENANT, Clocked

UPDATE = {
    "id": "u", "type": "update_contact", "set": {"plan": "pro"}, "unset": ["trial"], "increment": {"visits": 2},
}  # fmt: skip
POINTS = {"id": "p", "type": "award_points", "points": 50, "reason": "Welcome"}


def attributes(place: int = 0) -> dict[str, Any]:
    found = Contact.fetch(*Contact.key(TENANT, contact(place)))
    assert found is not None
    return dict(found.attributes)


def test_effects_happen_once_wherever_the_wake_dies(clocked: Clocked) -> None:
    engine = Engine(clocked, people=1)
    segment = engine.world.call("segments.create_segment", body={"name": "Welcomed", "dynamic": False}).data["id"]
    visits, awarded = 0, 0
    other = engine.running(on("never"), mail("other"), re_entry="always")
    after, died = 0, True
    while died:
        after, died = after + 2, False
        journey = engine.running(
            on("x"), UPDATE, {"id": "s", "type": "add_to_segment", "segment": segment}, mail("one"), POINTS,
            {"id": "e", "type": "enrol", "journey": other},
        )  # fmt: skip
        changed(Contact.key(TENANT, contact(0)), attributes=f'{{"trial":true,"visits":{visits}}}')
        engine.enter(journey, 0)
        state = engine.due(journey)
        with dying(after):
            try:
                advancing.advance(state)
            except Died:
                died = True
        advancing.advance(state)
        visits, awarded = visits + 2, awarded + 1
        assert attributes() == {"plan": "pro", "visits": visits}, after
        assert engine.handed_over(journey) == {(contact(0), "one"): 1}
        assert [step for step, _ in engine.told(journey)] == ["u", "u", "s", "one", "p", "e"]
    enrolled = engine.entries(other)
    assert len(enrolled) == 1 and enrolled[0].trigger["step"] == "e"
    assert outbox().count("points.award_requested") == awarded
    members = engine.world.call("segments.list_members", path={"segment_id": segment}).data["items"]
    assert [member["contact_id"] for member in members] == [contact(0)]


def outbox() -> list[str]:
    """The types of the events that were written to leave."""
    return [row.event_type for row in stored(Outbox, f"{Outbox.TYPE}#")]


def test_a_contact_that_others_change_meanwhile_keeps_their_change(engine: Engine) -> None:
    journey = engine.running(on("x"), UPDATE)
    engine.enter(journey, 0)
    state = engine.due(journey)
    key = Contact.key(TENANT, contact(0))
    with quicker(key, changed, attributes='{"city":"Dhaka","visits":5}'):
        advancing.advance(state)
    assert attributes() == {"city": "Dhaka", "plan": "pro", "visits": 7}


def test_an_entry_that_leaves_meanwhile_has_no_effect(engine: Engine) -> None:
    journey = engine.running(on("x"), UPDATE, POINTS)
    engine.enter(journey, 0)
    state = engine.due(journey)
    with quicker(Entry.key(TENANT, journey, contact(0), 1), changed, state="exited", moves=5, wake=None):
        advancing.advance(state)
    assert attributes() == {} and not outbox()


def test_journeys_that_enrol_into_each_other_come_to_an_end(engine: Engine) -> None:
    first = engine.running(on("x"), mail("m"))
    other = engine.running(on("y"), {"id": "e", "type": "enrol", "journey": first}, re_entry="always")
    engine.revised(first, {"id": "e", "type": "enrol", "journey": other}, re_entry="always")
    engine.enter(other, 0)
    for _ in range(8):
        engine.soon()
    told = [said.get("why", "") for journey in (first, other) for said in engine.entry(journey).said]
    assert "10 journeys have enrolled one another" in told
    assert len(engine.entries(first)) + len(engine.entries(other)) == 11
