"""Large audiences, schedules and dates: in slices, from a cursor, everybody once."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.contacts.model import Contact
from drumbeat.journeys import advancing, enrolments, wakes
from drumbeat.journeys.enrolments import Enrolment

from tests.meanwhile import changed
from tests.unit.journeys.engine import Engine, contact, mail, on
from tests.unit.journeys.test_repeats import Died, dying
from tests.unit.sends.conftest import TENANT, Clocked

PEOPLE = 7
OVER = {"id": "over", "type": "exit"}


def birthday(place: int, day: str, zone: str = "UTC") -> None:
    changed(Contact.key(TENANT, contact(place)), attributes=f'{{"birthday":"{day}"}}', time_zone=zone)


def entered(engine: Engine, journey: str) -> list[int]:
    return [len(engine.entries(journey, place)) for place in range(PEOPLE)]


def sweep(engine: Engine) -> None:
    """Find what is due by the clock, and do it."""
    engine.world.run("journeys.sweep_journeys", {})
    engine.settle()


@pytest.fixture
def shop(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(enrolments, "SLICE", 3)
    return Engine(clocked, people=PEOPLE)


def test_a_schedule_lets_the_whole_segment_in_each_time_it_comes(shop: Engine) -> None:
    segment = shop.clocked.segment()
    at = clock.iso(clock.business() + timedelta(hours=1))
    journey = shop.running({"type": "schedule", "segment": segment, "at": at, "every": "P1D"}, OVER, re_entry="always")
    sweep(shop)
    assert entered(shop, journey) == [0] * PEOPLE
    for times in (1, 2):
        shop.time.passes(timedelta(hours=1, minutes=5))
        for _ in range(2):
            sweep(shop)
        shop.passes(minutes=2)
        assert entered(shop, journey) == [times] * PEOPLE
        shop.passes(hours=22, minutes=53)
    rows = list(table.rows(Enrolment, Enrolment.partition(TENANT, journey)))
    assert [row.counts for row in rows] == [{"entered": PEOPLE}] * 2 and all(row.done for row in rows)


def test_a_slice_that_dies_anywhere_is_done_again_and_everybody_is_in_once(shop: Engine) -> None:
    after, died = 1, True
    while died:
        died = False
        journey = shop.running(on("x"), mail("m"))
        row = enrolments.begin(shop.get(journey), "cause", clock.business(), {"segment": None})[0]
        state, ended = row.state, False
        with dying(after):
            try:
                while not ended:
                    ended = enrolments.enrol(state)["done"]
            except Died:
                died = True
        while not ended:
            ended = enrolments.enrol(state)["done"]
        assert entered(shop, journey) == [1] * PEOPLE
        assert all(shop.is_safe(journey, place) for place in range(PEOPLE)), after
        stored = Enrolment.fetch(row.pk, row.sk)
        assert stored is not None and stored.counts == {"entered": PEOPLE}
        after += 9


def test_a_birthday_comes_once_a_year_by_the_clocks_of_the_contact(shop: Engine) -> None:
    """It is 09:00 UTC on 2 March 2026."""
    birthday(0, "1990-03-03", "Asia/Dhaka")  # 09:00 there is 03:00 UTC on the 3rd
    birthday(1, "1990-03-03", "America/Los_Angeles")  # 17:00 UTC on the 3rd
    birthday(2, "1990-03-02", "America/Los_Angeles")  # 17:00 UTC today
    birthday(3, "1990-03-02", "Asia/Dhaka")  # is over
    birthday(4, "1990-05-01")
    birthday(5, "no day")
    journey = shop.running({"type": "date", "attribute": "birthday"}, OVER, re_entry="always")
    for _ in range(3):
        sweep(shop)
        shop.passes(days=1)
    assert entered(shop, journey) == [1, 1, 1, 0, 0, 0, 0]
    found = [shop.entry(journey, place) for place in range(3)]
    due = [clock.iso(entry.caused_at)[:16] for entry in found]
    assert due == ["2026-03-03T03:00", "2026-03-03T17:00", "2026-03-02T17:00"]
    assert all(entry.state == "done" and entry.caused_at <= entry.ended_at for entry in found)


def test_who_gets_a_date_after_the_days_look_is_let_in_by_the_next_one_and_nobody_else(shop: Engine) -> None:
    """The look of 09:00 on the 4th of March sees all that comes until 11:00 on the 5th."""
    journey = shop.running({"type": "date", "attribute": "birthday", "at": "20:00"}, OVER, re_entry="always")
    for _ in range(2):
        sweep(shop)
        shop.passes(days=1)
    sweep(shop)
    shop.time.passes(timedelta(hours=1))
    birthday(0, "1990-03-04")
    changed(Contact.key(TENANT, contact(0)), updated_at=clock.business())
    birthday(1, "1990-03-04")  # was seen, says its `updated_at`
    birthday(2, "1990-03-04")
    changed(Contact.key(TENANT, contact(2)), updated_at=clock.business(), created_at="2026-03-04T21:00:00.000Z")
    shop.time.passes(timedelta(hours=23))
    for _ in range(2):
        sweep(shop)
        shop.passes(days=1)
    assert entered(shop, journey) == [1, 0, 0, 0, 0, 0, 0]
    assert clock.iso(shop.entry(journey).caused_at)[:16] == "2026-03-04T20:00"


def test_a_walk_that_died_is_found(shop: Engine) -> None:
    journey = shop.running(on("x"), mail("m"))
    enrolments.begin(shop.get(journey), "cause", clock.business(), {"segment": None})
    shop.world._machines()
    shop.world.running.clear()
    shop.world.waiting.clear()
    assert sum(entered(shop, journey)) < PEOPLE
    shop.time.passes(timedelta(minutes=10))
    shop.settle(sweep=True)
    assert entered(shop, journey) == [1] * PEOPLE


def test_a_minute_with_many_has_wakes_of_a_thousand_and_no_hot_one(shop: Engine) -> None:
    """A hundred joiners of a hundred, and singles, at once: no wake has more than it may, and few have nobody."""
    journey = shop.running(on("x"), mail("m"))
    at = clock.business() + timedelta(hours=1)
    for _ in range(60):
        wakes.reserve(TENANT, journey, 1, at, 400)
    for _ in range(100):
        wakes.reserve(TENANT, journey, 1, at, 1)
    sizes = [int(wake.size) for wake in wakes.of_journey(TENANT, journey)]
    assert sum(sizes) == 60 * 400 + 100 and max(sizes) <= wakes.MOST_MEMBERS and len(sizes) < 40


def test_requests_of_aws_for_each_member_of_a_wake(shop: Engine) -> None:
    """A send and the wait behind it: the entry's move and its row in the next wake, besides what all of them share."""
    written: dict[str, int] = {}

    def count(params: dict[str, Any], model: Any, **_: Any) -> None:
        items = len(params.get("TransactItems", ())) or sum(map(len, params.get("RequestItems", {}).values())) or 1
        if model.name in ("PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"):
            written[model.name] = written.get(model.name, 0) + items

    journey = shop.running(on("x"), mail("m"), {"id": "w", "type": "wait", "duration": "P1D"}, mail("n"))
    shop.enter(journey, *range(PEOPLE))
    state = shop.due(journey)
    events = table.connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb.*", count)
    try:
        advancing.advance(state)
    finally:
        events.unregister("before-parameter-build.dynamodb.*", count)
    # Of all: the send with key, row and content, its chunk, two wakes, the account's work, roll-up and template.
    assert sum(written.values()) <= 2 * PEOPLE + 16, written
    assert written["TransactWriteItems"] == PEOPLE + 1 + 4 and written["BatchWriteItem"] == PEOPLE
