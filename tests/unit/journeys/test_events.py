"""Events that let contacts in, end waits, and reach goals."""

from datetime import timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.activity.model import message_row
from drumbeat.activity.work import HappenedMessage
from drumbeat.journeys import advancing, lifecycle, meeting
from drumbeat.journeys.entries import Entry

from tests.meanwhile import quicker
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT, Clocked

CART = (
    {"id": "bought", "type": "wait_for_event", "event": "purchase", "time_out": "PT1H", "next": "end",
     "on_time_out": "cart"},
    mail("cart"),
)  # fmt: skip
PURCHASE = {"properties": {"order_id": "o1", "value": 12.5, "currency": "USD"}}


def test_an_abandoned_cart_is_reminded_of_and_a_bought_one_is_not(clocked: Clocked) -> None:
    engine = Engine(clocked, people=3)
    journey = engine.running(on("cart_filled"), *CART)
    for place in range(3):
        engine.happens(place, "cart_filled")
    engine.happens(2, "purchase", **PURCHASE)  # before the journey has begun to wait for it
    engine.soon()
    engine.happens(1, "purchase", properties={**PURCHASE["properties"], "order_id": "o2"})
    engine.soon()
    assert engine.told(journey, 1)[-1] == ("bought", "happened") == engine.told(journey, 2)[-1]
    assert engine.entry(journey, 0).state == "waiting"
    engine.passes(hours=2)
    assert engine.mails() == {("p0@town.example", "cart"): 1}


def test_an_event_that_comes_while_somebody_begins_to_wait_is_seen(engine: Engine) -> None:
    """Whoever met it looked before the entry waited; the entry looked before it came."""
    journey = engine.running(on("cart_filled"), wait("w", "PT5M"), *CART)
    engine.enter(journey, 0)
    advancing.advance(engine.due(journey))
    state = engine.due(journey)

    def bought(_: Any) -> None:
        engine.happens(0, "purchase", **PURCHASE)
        assert engine.world._streams() and engine.world._queues()

    with quicker(Entry.key(TENANT, journey, contact(0), 1), bought):
        advancing.advance(state)
    assert engine.entry(journey).met
    engine.soon()
    assert engine.entry(journey).state == "done" and not engine.mails()


def test_filters_say_which_events_count_and_one_that_comes_twice_counts_once(engine: Engine) -> None:
    web = {"field": "source", "operator": "equals", "value": "web"}
    journey = engine.running(on("signed_up", web), mail("hello"), re_entry="always")
    engine.happens(0, "signed_up", properties={"source": "shop"})
    engine.settle()
    engine.happens(0, "signed_up", event_id="e1", properties={"source": "web"})
    engine.soon()
    engine.happens(0, "signed_up", event_id="e2", properties={"source": "web"})
    engine.soon()
    assert engine.mails() == {("p0@town.example", "hello"): 2}
    first, last = reversed(engine.entries(journey))
    for entry in (first, last, first):  # the queue delivers both again, in any order
        at = clock.iso(entry.caused_at)
        meeting.meet(HappenedMessage(tenant=TENANT, contact=contact(0), row=f"{at}#{entry.cause}"))
    assert len(engine.entries(journey)) == 2


def test_a_goal_is_noted_and_ends_the_entry_if_the_terms_say_so(engine: Engine) -> None:
    late = wait("w", "P1D"), mail("late")
    journeys = [
        engine.running(on("signed_up"), *late, goal={"event": "purchase"}, exit_on={"goal": exits})
        for exits in (True, False)
    ]
    engine.happens(0, "signed_up")
    engine.soon()
    engine.happens(0, "purchase", **PURCHASE)
    engine.settle()
    exited, inside = (engine.entry(journey) for journey in journeys)
    assert (exited.state, exited.reason, inside.state) == ("exited", "goal", "waiting")
    assert inside.goal == exited.goal and (inside.goal["value"], inside.goal["currency"]) == (1250, "USD")
    engine.passes(days=2)
    assert [len(engine.handed_over(journey)) for journey in journeys] == [0, 1]


def test_a_goal_whose_message_is_late_still_wins_over_the_step(engine: Engine) -> None:
    journey = engine.running(on("signed_up"), wait("w", "PT1H"), mail("late"), goal={"event": "purchase"})
    engine.happens(0, "signed_up")
    engine.soon()
    engine.happens(0, "purchase", **PURCHASE)  # on the timeline, and no stream has been read since
    advancing.advance(engine.due(journey))
    assert engine.entry(journey).reason == "goal" and not engine.handed_over(journey)


def test_a_held_out_contact_gets_nothing_and_its_goal_counts(clocked: Clocked) -> None:
    engine = Engine(clocked, people=16)  # drawn by lot: once in 30,000 times all of them are on one side
    journey = engine.running(on("signed_up"), mail("one"), holdout=50, goal={"event": "purchase"}, re_entry="always")
    became = engine.enter(journey, *range(16))
    held = [place for place in range(16) if became[contact(place)] == "holdout"]
    assert 0 < len(held) < 16
    assert engine.enter(journey, held[0], cause="again") == {contact(held[0]): "holdout"}
    engine.happens(held[0], "purchase", **PURCHASE)
    engine.soon()
    assert engine.entry(journey, held[0]).state == "holdout" and engine.entry(journey, held[0]).goal
    assert {person for person, _ in engine.handed_over(journey)} == {
        contact(place) for place in range(16) if place not in held
    }


def test_opens_of_people_are_events_and_those_of_machines_are_none(engine: Engine) -> None:
    journey = engine.running(on("email.opened"), mail("thanks"))
    for machine in (True, False):
        row = message_row(
            TENANT, contact(0), "opened", clock.business(), "snd_1", "cmp_1", "msg_1", {}, False, machine=machine,
            waited={"email.opened"},
        )  # fmt: skip
        table.put_many([row])
        engine.settle()
        assert len(engine.entries(journey)) == (0 if machine else 1)


def test_an_event_long_ago_is_no_answer_to_a_wait(engine: Engine) -> None:
    journey = engine.running(on("cart_filled"), *CART)
    engine.happens(0, "cart_filled")
    engine.soon()
    long_ago = clock.iso(clock.business() - timedelta(days=3))
    engine.happens(0, "purchase", occurred_at=long_ago, **PURCHASE)
    engine.settle()
    assert engine.entry(journey).met is None


def test_an_event_for_a_journey_that_is_just_being_published_stalls_no_queue(engine: Engine) -> None:
    """It listens before its first version is there; and for good, if somebody else changes it at that moment."""
    journey = engine.drafted(on("signed_up"), mail("one"))
    lifecycle.listen(journey, journey.definition)
    engine.happens(0, "signed_up")
    engine.settle()
    assert not engine.entries(journey.journey_id)
