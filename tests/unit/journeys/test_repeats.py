"""A wake that dies anywhere, runs twice, or meets somebody else at work: nobody gets a step's message twice, and nobody
stays behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.journeys import advancing, wakes
from drumbeat.journeys.entries import Entry

from tests.meanwhile import changed, quicker
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT, Clocked

WRITES = ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems")
PEOPLE = 3


class Died(Exception):
    """The function's process has ended."""


@contextmanager
def dying(after: int) -> Iterator[None]:
    """The process dies when it has made so many writes, before it learns of the last one."""
    seen: list[str] = []

    def look(model: Any, **_: Any) -> None:
        if model.name in WRITES:
            seen.append(model.name)
            if len(seen) == after:
                raise Died

    events = table.connection().connection.client.meta.events
    events.register("after-call.dynamodb.*", look)
    try:
        yield
    finally:
        events.unregister("after-call.dynamodb.*", look)


def series(engine: Engine) -> str:
    """A journey whose members are due at once, before their first mail."""
    journey = engine.running(on("signed_up"), mail("one"), wait("w", "P1D"), mail("two"))
    engine.enter(journey, *range(PEOPLE))
    return journey


def test_a_wake_that_dies_at_any_write_is_done_again(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    after, died = 0, True
    while died:
        after, died = after + 1, False
        journey = series(engine)
        state = engine.due(journey)
        with dying(after):
            try:
                advancing.advance(state)
            except Died:
                died = True
        advancing.advance(state)
        assert engine.handed_over(journey) == {(contact(place), "one"): 1 for place in range(PEOPLE)}
        assert all(engine.is_safe(journey, place) for place in range(PEOPLE)), after
    assert after > 8


def test_an_enrolment_that_dies_at_any_write_is_done_again(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    after, died = 0, True
    while died:
        after, died = after + 1, False
        journey = engine.running(on("signed_up"), mail("one"), re_entry="always")
        with dying(after):
            try:
                engine.enter(journey, *range(PEOPLE))
            except Died:
                died = True
        engine.enter(journey, *range(PEOPLE))
        assert all(engine.is_safe(journey, place) for place in range(PEOPLE)), after
        assert [len(engine.entries(journey, place)) for place in range(PEOPLE)] == [1] * PEOPLE
    assert after > 4


def test_a_wake_that_runs_twice_at_the_same_time_hands_over_once(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    journey = series(engine)
    state = engine.due(journey)
    with quicker(Entry.key(TENANT, journey, contact(1), 1), lambda _: advancing.advance(state)):
        advancing.advance(state)
    assert engine.handed_over(journey) == {(contact(place), "one"): 1 for place in range(PEOPLE)}
    assert all(engine.is_safe(journey, place) for place in range(PEOPLE))


def test_an_exit_wins_over_a_step_of_the_same_moment_and_the_others_go_on(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    journey = series(engine)
    key = Entry.key(TENANT, journey, contact(1), 1)
    state = engine.due(journey)
    with quicker(key, changed, state="exited", reason="goal", moves=7, wake=None):
        advancing.advance(state)
    assert engine.handed_over(journey) == {(contact(0), "one"): 1, (contact(2), "one"): 1}
    assert engine.entry(journey, 1).reason == "goal"


def test_a_wake_that_closes_while_somebody_joins_it_loses_nobody(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    journey = series(engine)
    state = engine.due(journey)

    def close_next(_: Any) -> None:
        for other in wakes.of_journey(TENANT, journey):
            if other.place != state["wake"] and other.closed_at is None:
                wakes.close(other)
                wakes.finish(other)

    with quicker(Entry.key(TENANT, journey, contact(0), 1), close_next):
        advancing.advance(state)
    assert all(engine.is_safe(journey, place) for place in range(PEOPLE))


def test_a_wake_that_nobody_started_is_found(engine: Engine) -> None:
    engine.running(on("signed_up"), wait("w", "PT1H"), mail("one"))
    engine.happens(0, "signed_up")
    engine.soon()
    engine.world.running.clear()
    engine.world.waiting.clear()  # all executions are lost
    engine.passes(hours=2, sweep=True)
    engine.passes(minutes=10, sweep=True)
    assert engine.mails() == {("p0@town.example", "one"): 1}


def test_whoever_was_moved_by_a_dying_run_into_a_wake_that_had_closed_is_found_again(clocked: Clocked) -> None:
    engine = Engine(clocked, people=PEOPLE)
    journey = series(engine)
    key, state = Entry.key(TENANT, journey, contact(1), 1), engine.due(journey)

    def moved_and_died(_: Any) -> None:
        wake = wakes.reserve(TENANT, journey, 1, clock.business() + timedelta(hours=1), 1)
        wakes.close(wake)
        wakes.finish(wake)
        changed(key, moves=7, wake=wake.place)

    with quicker(key, moved_and_died):
        advancing.advance(state)
    assert all(engine.is_safe(journey, place) for place in range(PEOPLE))
