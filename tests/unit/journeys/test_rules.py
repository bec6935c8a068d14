"""Where a walk leads: waits across changes of clocks, events before and behind time-outs, branches, splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drumbeat.journeys import dates, fitting, rules, sending, steps, timing
from drumbeat.journeys.entries import State
from drumbeat.journeys.rules import Does, Ends, Event, Place, Waits
from drumbeat.journeys.steps import Definition, UntilDate
from drumbeat.table import MOST_IN_TRANSACTION

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Somebody:
    """A contact who says what a test says."""

    zone: str = "UTC"
    attributes: Mapping[str, Any] = field(default_factory=dict)
    events: Sequence[Event] = ()
    is_vip: bool = False
    read: frozenset[str] = frozenset()

    def fits(self, criteria: Mapping[str, Any]) -> bool:
        return self.is_vip

    def did(self, activity: str, message: Sequence[Any]) -> bool:
        return f"{activity} {message[0]}" in self.read

    def happened(self, event: str, filters: Any, since: datetime, besides: frozenset[str]) -> Event | None:
        found = (one for one in self.events if one.at >= since and one.event_id not in besides)
        return next(found, None)

    def value(self, attribute: str) -> object:
        return self.attributes.get(attribute)


def defined(*wanted: dict[str, Any]) -> Definition:
    return steps.read({"trigger": {"type": "api"}, "steps": list(wanted)})


PLACE = Place("ent_1", "a", False, NOW, NOW, NOW, "evt_cause")
WAIT = {"id": "a", "type": "wait", "duration": "PT2H"}
CART = {"id": "a", "type": "wait_for_event", "event": "purchase", "time_out": "PT1H", "next": "end", "on_time_out": "m"}
MAIL = {"id": "m", "type": "send", "template": "cart"}


def walked(
    definition: Definition, place: Place = PLACE, who: Somebody | None = None, now: datetime = NOW
) -> rules.Walk:
    return rules.walk(definition, place, who or Somebody(), now)


def test_a_wait_counts_from_when_the_step_before_was_due_but_from_now_when_that_is_long_ago() -> None:
    journey = defined(WAIT)
    assert walked(journey).stop == Waits("a", NOW, NOW + 2 * HOUR)
    assert walked(journey, now=NOW + MINUTE).stop == Waits("a", NOW, NOW + 2 * HOUR)
    assert walked(journey, now=NOW + DAY).stop == Waits("a", NOW, NOW + DAY + 2 * HOUR)


def test_a_wait_that_is_over_leads_on_and_one_that_is_not_goes_on() -> None:
    waiting = replace(PLACE, begun=True, due_at=NOW + HOUR)
    assert walked(defined(WAIT), waiting, now=NOW + HOUR).stop == Ends(State.DONE, "completed")


@pytest.mark.parametrize(
    ("now", "zone", "at", "weekdays", "found"),
    [
        ("2026-03-02T02:59Z", "Asia/Dhaka", "09:00", (), "2026-03-02T03:00Z"),
        ("2026-03-02T03:01Z", "Asia/Dhaka", "09:00", (), "2026-03-03T03:00Z"),
        ("2026-03-08T00:00Z", "America/New_York", "02:30", (), "2026-03-08T07:00Z"),  # skipped: when clocks change
        ("2026-11-01T05:00Z", "America/New_York", "01:30", (), "2026-11-01T05:30Z"),  # comes twice: the first
        ("2026-11-01T05:45Z", "America/New_York", "01:30", (), "2026-11-02T06:30Z"),
        ("2026-03-02T10:00Z", "Europe/Berlin", "09:00", ("sat", "sun"), "2026-03-07T08:00Z"),
        ("2026-03-28T12:00Z", "Europe/Berlin", "09:00", ("sun",), "2026-03-29T07:00Z"),
    ],
)
def test_local_times(now: str, zone: str, at: str, weekdays: tuple[str, ...], found: str) -> None:
    assert timing.next_local(at, weekdays, datetime.fromisoformat(now), zone) == datetime.fromisoformat(found)


@pytest.mark.parametrize(
    ("said", "value", "zone", "found"),
    [
        ({"at": "09:00"}, "2026-05-01", "Asia/Dhaka", "2026-05-01T03:00Z"),
        ({"at": "09:00", "offset": "-P2D"}, "2026-05-01", "Asia/Dhaka", "2026-04-29T03:00Z"),
        ({"offset": "-PT3H"}, "2026-05-01T12:00:00+02:00", "UTC", "2026-05-01T07:00Z"),
        ({"yearly": True, "at": "09:00"}, "1990-03-01", "UTC", "2027-03-01T09:00Z"),
        ({"yearly": True, "at": "09:00"}, "2000-02-29", "UTC", "2027-02-28T09:00Z"),
        ({"yearly": True, "at": "10:00"}, "1990-03-02", "UTC", "2026-03-02T10:00Z"),
        ({"yearly": True, "offset": "-P7D"}, "1990-03-05", "UTC", "2027-02-26T00:00Z"),
    ],
)
def test_dates_that_a_contact_has(said: dict[str, Any], value: str, zone: str, found: str) -> None:
    wanted = UntilDate.model_validate({"attribute": "day", **said})
    assert timing.until(wanted, value, NOW, zone) == datetime.fromisoformat(found)


def test_a_wait_for_a_date_that_somebody_lacks_fails_the_entry_and_says_why() -> None:
    journey = defined({"id": "a", "type": "wait", "until_date": {"attribute": "birthday"}})
    stop = walked(journey, who=Somebody(attributes={"birthday": "soon"})).stop
    assert stop == Ends(State.FAILED, "a: the attribute birthday holds no date")


def test_an_event_ends_its_wait_and_else_the_time_out_does() -> None:
    journey = defined(CART, MAIL)
    waiting = replace(PLACE, begun=True, due_at=NOW + HOUR)
    bought = Event("evt_2", NOW + 10 * MINUTE, {})
    assert walked(journey).stop == Waits("a", NOW, NOW + HOUR)
    met = replace(waiting, met={"event_id": "evt_2", "at": bought.at.isoformat()})
    assert walked(journey, met, now=NOW + 11 * MINUTE).messages == []
    assert [step.id for step in walked(journey, waiting, now=NOW + HOUR).messages] == ["m"]
    # Its message was lost, but it is on the timeline.
    late = walked(journey, waiting, Somebody(events=[bought]), NOW + HOUR)
    assert late.stop == Ends(State.DONE, "completed") and not late.messages
    # It came before the entry began to wait, but behind what started the journey.
    assert walked(journey, who=Somebody(events=[bought]), now=NOW + 20 * MINUTE).stop == Ends(State.DONE, "completed")


@pytest.mark.parametrize("event", [Event("evt_2", NOW - MINUTE, {}), Event("evt_cause", NOW, {})])
def test_what_happened_before_or_started_the_journey_ends_no_wait(event: Event) -> None:
    assert isinstance(walked(defined(CART, MAIL), who=Somebody(events=[event])).stop, Waits)


def test_exactly_one_branch_runs() -> None:
    said = {"criteria": {"conditions": [{"field": "vip", "operator": "is_true"}]}, "if_true": "m", "if_false": "n"}
    journey = defined(
        {"id": "a", "type": "branch", **said}, {**MAIL, "next": "end"}, {"id": "n", "type": "send", "template": "x"}
    )
    assert [one.id for one in walked(journey, who=Somebody(is_vip=True)).messages] == ["m"]
    assert [one.id for one in walked(journey).messages] == ["n"]


def test_engagement_is_with_a_message_of_this_entry() -> None:
    journey = defined(
        {"id": "a", "type": "branch", "engagement": {"activity": "opened"}, "if_true": "m", "if_false": "end"}, MAIL
    )
    reader = Somebody(read=frozenset({"opened snd_2"}))
    sent = [
        {"step": step, "channel": "email", "message": [send, 0, 0, 0]}
        for step, send in (("x", "snd_1"), ("y", "snd_2"))
    ]
    assert walked(journey, replace(PLACE, records=sent), reader).messages
    assert not walked(journey, replace(PLACE, records=sent[:1]), reader).messages
    assert not walked(journey, PLACE, reader).messages


def test_a_split_is_as_its_weights_say_and_the_same_for_an_entry_each_time() -> None:
    journey = defined(
        {"id": "a", "type": "split", "paths": [{"weight": 3, "next": "m"}, {"weight": 1, "next": "end"}]}, MAIL
    )
    places = [replace(PLACE, entry_id=f"ent_{number}") for number in range(2000)]
    taken = Counter(len(walked(journey, place).messages) for place in places)
    assert 1400 < taken[1] < 1600
    assert [walked(journey, place).records for place in places[:50]] == [
        walked(journey, place).records for place in places[:50]
    ]


def test_something_to_do_stops_the_walk_behind_the_messages_before_it() -> None:
    journey = defined({**MAIL, "id": "a"}, {"id": "p", "type": "award_points", "points": 5})
    found = walked(journey)
    assert [one.id for one in found.messages] == ["a"]
    assert isinstance(found.stop, Does) and found.stop.effect.id == "p" and found.stop.then == "end"


def test_more_messages_than_one_transaction_takes_are_for_the_next_wake() -> None:
    journey = defined(*({**MAIL, "id": f"m{number}"} for number in range(100)))
    place, sent = replace(PLACE, step="m0"), 0
    while True:
        walk = walked(journey, place)
        assert len(walk.messages) + sending.MOST_RECIPIENTS <= MOST_IN_TRANSACTION
        sent += len(walk.messages)
        if not isinstance(walk.stop, Waits):
            break
        place = replace(place, step=walk.stop.step, begun=True)
    assert sent == 100 and walk.stop == Ends(State.DONE, "completed")


def test_who_is_held_out_is_always_the_same_and_as_many_as_asked() -> None:
    held = [rules.held_out("jrn_1", f"con_{number}", 20) for number in range(2000)]
    assert 340 < sum(held) < 460 and held == [rules.held_out("jrn_1", f"con_{number}", 20) for number in range(2000)]


def test_whose_step_has_vanished_goes_on_with_the_next_that_has_not() -> None:
    old = defined(*({"id": name, "type": "exit"} for name in "abcd"))
    new = defined(*({"id": name, "type": "exit"} for name in "axd"))
    assert [rules.carried_over(old, new, name) for name in "abcd"] == ["a", "d", "d", "d"]
    assert rules.carried_over(old, defined({"id": "x", "type": "exit"}), "b") is None


@pytest.mark.parametrize(
    ("wanted", "problems"),
    [
        ([{**MAIL, "next": "nobody"}], {"steps[0].next"}),
        ([MAIL, MAIL], {"steps[1].id"}),
        ([{**MAIL, "next": "end"}, {"id": "lost", "type": "exit"}], {"steps[1]"}),
        ([{**MAIL, "next": "m"}], {"steps[0]"}),
        ([MAIL, {**WAIT, "next": "m"}], set()),
        ([{"id": "b", "type": "branch", "engagement": {"activity": "opened", "step": "b"}}],
         {"steps[0].engagement.step"}),
        ([{**MAIL, "id": "end"}], {"steps[0].id"}),
    ],
)  # fmt: skip
def test_steps_that_do_not_fit_together_are_named(wanted: list[dict[str, Any]], problems: set[str]) -> None:
    assert {detail.field for detail in fitting.problems(defined(*wanted))} == problems


def test_the_days_of_date_triggers_tile_the_time() -> None:
    """Whatever day it is looked at, everybody's turn is in one look, in leap years too."""
    said = {"attribute": "birthday", "days": -1, "at": "00:30", "yearly": True}
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles", "Asia/Dhaka"):
        for born in ("1996-02-29", "1990-12-31", "1990-01-01"):
            turns = []
            for day in range(366 + 365):
                since = datetime(2027, 6, 1, 6, 15, tzinfo=UTC) + day * DAY
                source = {"date": said, "since": since.isoformat(), "until": (since + DAY).isoformat()}
                found = dates.turn_of(source, born, zone)
                turns += [found] if found else []
            assert len(turns) == 2, (zone, born, turns)
