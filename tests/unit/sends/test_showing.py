"""A send's page: what is in doubt and until when, how doubts were settled, who was restarted, and nobody else's."""

from datetime import timedelta

import pytest
from drumbeat import clock
from drumbeat.sends import delivering, planning, senders, showing
from drumbeat.sends.model import SHARDS, Send, Stat
from drumbeat.sends.senders import Sender
from drumbeat.sends.totals import Totals

from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import launched, shown


def test_a_doubt_is_shown_with_its_times_and_then_how_it_was_settled(clocked: Clocked) -> None:
    made = launched(clocked, 5, chunk=4)
    clocked.mails.fault("500_accepted", count=1)
    for chunk in clocked.chunks(made):
        delivering.look_at(chunk.place)
    now = clock.business()

    told = shown(clocked, made)
    assert told["recipients"] == {"sent": 1, "open": 0, "unknown": 4}
    assert (told["chunks"]["unknown"]["count"], told["chunks"]["done"]["count"]) == (1, 1)
    unknown = told["unknown"]
    since = clock.parse(unknown["since"])
    assert unknown["recipients"] == 4 and now - timedelta(seconds=1) < since <= now
    assert clock.parse(unknown["next_look_at"]) - since == timedelta(minutes=2)
    assert clock.parse(unknown["grace_ends_at"]) - since == timedelta(seconds=told["policy"]["grace_seconds"])
    (named,) = told["next_chunks"]
    assert (named["state"], named["in_doubt"], named["attempts"]) == ("unknown", 4, 1)
    assert (told["waiting_for"], told["circuit"]["failures_in_a_row"]) == (["outcomes"], 0)

    Stat.change_at(*clocked.chunks(made)[0].place.stat_key, Stat.delivered.add({0, 1, 3}))
    clocked.work(made, minutes=3)
    clocked.work(made, hours=3)
    for chunk in clocked.chunks(made):
        delivering.look_at(chunk.place)

    told = shown(clocked, made)
    assert told["settled"] == {"by_events": 3, "by_asking": 0, "sent_again": 1, "given_up": 0}
    assert told["recipients"] == {"sent": 5, "open": 0, "unknown": 0}
    assert sum(told["recipients"].values()) == told["audience"]["size"]


def test_who_is_given_up_is_counted_as_such(clocked: Clocked) -> None:
    clocked.world.call("accounts.update_settings", body={"unknown_policy": "never"})
    made = launched(clocked, 2, chunk=2)
    clocked.mails.fault("500", count=1)
    delivering.look_at(clocked.chunks(made)[0].place)
    clocked.work(made, hours=3)

    told = shown(clocked, made)
    assert (told["settled"]["given_up"], told["recipients"]["outcome_unknown"]) == (2, 2)


def test_a_large_send_is_shown_as_the_last_roll_up_found_it(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    made = launched(clocked, 2)
    before = shown(clocked, made)
    monkeypatch.setattr(showing, "SMALL", 1)
    delivering.look_at(clocked.chunks(made)[0].place)
    clocked.time.passes(timedelta(minutes=1))

    told = shown(clocked, made)
    assert (told["as_of"], told["recipients"]) == (before["as_of"], before["recipients"])
    assert [chunk["number"] for chunk in told["next_chunks"]] == [1]  # but chunks are shown as they are


def test_a_large_send_that_nobody_has_added_up_is_not_added_up_for_its_page(clocked: Clocked) -> None:
    """Its chunks are being written: reading them all would take longer than a caller may wait."""
    clocked.people(1)
    made = clocked.said()
    clocked.do("launch", made)
    send = clocked.send_of(made)
    send.change(Send.plan_shards.set(SHARDS))
    planning.chunk_of(send, 0, 0, [f"con_{0:026d}"]).create()

    told = shown(clocked, made)
    assert (told["as_of"], told["waiting_for"]) == (told["launched_at"], ["planning"])
    assert told["recipients"] == {"sent": 0, "open": 0, "unknown": 0}
    assert Totals.fetch(*Totals.key(TENANT, send.send_id)) is None


def test_what_the_sweep_restarted_is_shown(clocked: Clocked) -> None:
    clocked.people(1)
    made = clocked.said()
    clocked.do("launch", made)  # and the planner dies at once
    clocked.time.passes(timedelta(minutes=5))
    clocked.world.run("sends.sweep_sends", {})
    told = shown(clocked, made)
    assert (told["planner"]["shards_planned"], told["planner"]["last_step_at"]) == (0, None)
    assert told["waiting_for"] == ["planning"]
    assert list(told["sweeper"]["restarted"]) == ["planner"]
    assert told["sweeper"]["restarted"]["planner"] == told["sweeper"]["last_look_at"]

    planning.plan({"tenant": TENANT, "send": clocked.send_of(made).send_id})
    senders.get().change(Sender.governed_at.set(clock.wall()))
    clocked.time.passes(timedelta(minutes=5))
    clocked.world.run("sends.sweep_sends", {})
    told = shown(clocked, made)
    assert told["governor"]["restarted_at"] is not None and told["planner"]["last_step_at"] is not None


def test_nobody_sees_anothers_send(clocked: Clocked) -> None:
    send: Send = clocked.send_of(launched(clocked, 1))
    asked = {"path": {"send_id": send.send_id}}

    assert clocked.world.call("sends.get_send", tenant="globex", **asked).status == 404
