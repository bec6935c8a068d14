"""Limits of a send: never more than they say in a window, however many workers, lost answers and repeats; and what did
not leave is not counted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.exceptions import ReadTimeoutError
from drumbeat import clock, table
from drumbeat.contacts import suppressions
from drumbeat.sends import claims, delivering, pacing, quotas
from drumbeat.sends.model import Chunk, ChunkState, Stat
from drumbeat.sends.quotas import Cap, Quota
from moto.core.models import botocore_stubber

from tests.unit.sends.conftest import TENANT, Clocked


@contextmanager
def hooked(event: str, hook: Callable[..., Any]) -> Iterator[None]:
    events = table.connection().connection.client.meta.events
    events.register(event, hook)
    try:
        yield
    finally:
        events.unregister(event, hook)


def people(*numbers: int) -> list[str]:
    return [f"p{number}@town.example" for number in numbers]


def taken(shop: Clocked, made: str, name: str = "hour") -> int:
    return quotas.counted(shop.send_of(made), name, clock.business())


def rates(shop: Clocked, made: str) -> tuple[int, int, bool]:
    shown = shop.do("get", made).data["rate_limit"]
    return shown["hourly_sent"], shown["daily_sent"], shown["limit_reached"]


def test_a_send_pauses_when_its_limit_is_reached_and_goes_on_in_the_next_window(clocked: Clocked) -> None:
    clocked.people(9)
    suppressions.suppress(TENANT, "p3@town.example", "marketing", "manual", None, clock.business())
    made = clocked.said(limits={"per_hour": 3, "per_day": 7})
    clocked.launch(made)

    assert (len(clocked.mails.addresses()), rates(clocked, made)) == (3, (3, 3, True))
    assert [int(chunk.attempts) for chunk in clocked.chunks(made)] == [1, 0, 0]  # what has no room is not released
    clocked.later(minutes=61)
    assert (len(clocked.mails.addresses()), rates(clocked, made)) == (6, (3, 6, True))
    clocked.later(minutes=60)
    assert (len(clocked.mails.addresses()), rates(clocked, made)) == (7, (1, 7, True))
    clocked.later(hours=14)
    assert sorted(clocked.mails.addresses()) == people(0, 1, 2, 4, 5, 6, 7, 8)
    assert (rates(clocked, made), clocked.status(made)) == ((1, 1, False), "sent")


def test_two_workers_at_once_never_take_more_than_there_is(clocked: Clocked) -> None:
    """One is about to write that it takes three of five when the other takes three. Who finds the window full is put
    off to the next."""
    clocked.people(9)
    made = clocked.planned(3, limits={"per_hour": 5})
    one, other, third = clocked.chunks(made)
    began: list[bool] = []

    def first(params: dict[str, Any], **_: Any) -> None:
        if b'"QUOTA#' in params["body"] and not began:
            began.append(True)
            delivering.look_at(other.place)

    with hooked("before-call.dynamodb.TransactWriteItems", first):
        delivering.look_at(one.place)
    delivering.look_at(third.place)

    assert (len(clocked.mails.addresses()), taken(clocked, made)) == (5, 5)
    waiting = clocked.chunks(made)[2]
    assert [len(chunk.sendable) for chunk in clocked.chunks(made)] == [1, 0, 3]
    assert (waiting.state, waiting.not_before) == (ChunkState.PENDING, datetime(2026, 3, 2, 10, tzinfo=UTC))
    delivering.look_at(waiting.place)  # its message comes twice
    assert taken(clocked, made) == 5
    clocked.work(made, hours=2)
    assert sorted(clocked.mails.addresses()) == people(*range(9))


def test_only_what_may_have_left_is_counted(clocked: Clocked) -> None:
    clocked.people(4)
    for fault, counts in (("429", 0), ("partial", None), ("500", 4), ("500_accepted", 4)):
        clocked.time.passes(timedelta(seconds=10))  # a throttled account is left alone for a moment
        made = clocked.planned(4, name=fault, limits={"per_hour": 4})
        clocked.mails.fault(fault, count=1, **({"share": 0.25} if fault == "partial" else {}))
        for _ in range(2):  # the second time nothing comes of it, and nothing is given back again
            delivering.look_at(clocked.chunks(made)[0].place)
            (chunk,) = clocked.chunks(made)
            accepted = chunk.outcomes.count("a")
            assert taken(clocked, made) == (accepted if counts is None else counts), fault
            assert chunk.calling is None and chunk.held is None


@contextmanager
def lost_answers(tries: int) -> Iterator[None]:
    """The first reservation is written and its answer is lost, and so are requests behind it, `tries` in all."""
    seen: list[bool] = []

    def lose(request: Any, **_: Any) -> None:
        if "TransactWriteItems" in str(request.headers["X-Amz-Target"]) and "QUOTA#" in str(request.body):
            seen.append(True)
            if len(seen) == 1:
                botocore_stubber("before-send", request)
            if len(seen) <= tries:
                raise ReadTimeoutError(endpoint_url=request.url)

    with hooked("before-send.dynamodb", lose):
        yield


def test_an_answer_that_was_lost_takes_nothing_twice(clocked: Clocked, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reservation is written. Its worker hears of it when it asks again, or never: then nothing was sent, and the
    window has room."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    clocked.people(3)
    made = clocked.planned(3, limits={"per_hour": 4})
    (chunk,) = clocked.chunks(made)
    with lost_answers(1):
        delivering.look_at(chunk.place)
    assert (len(clocked.mails.addresses()), taken(clocked, made)) == (3, 3)

    made = clocked.planned(3, name="Never", limits={"per_hour": 4})
    (chunk,) = clocked.chunks(made)
    with lost_answers(6), pytest.raises(ReadTimeoutError):
        delivering.look_at(chunk.place)
    (chunk,) = clocked.chunks(made)
    assert (chunk.state, len(clocked.mails.addresses()), taken(clocked, made)) == (ChunkState.PENDING, 3, 0)
    clocked.work(made, minutes=5)
    assert (len(clocked.mails.addresses()), taken(clocked, made)) == (6, 3)


def test_whoever_a_dead_worker_may_have_sent_to_stays_counted_and_the_others_go_on(clocked: Clocked) -> None:
    clocked.people(5)
    made = clocked.planned(5, limits={"per_hour": 3})
    original = delivering._act_on

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    delivering._act_on = die  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            clocked.work(made)
    finally:
        delivering._act_on = original
    clocked.work(made, minutes=3)
    (chunk,) = clocked.chunks(made)
    assert (sorted(chunk.in_doubt), taken(clocked, made)) == ([0, 1, 2], 3)
    clocked.work(made, minutes=61)
    assert sorted(clocked.mails.addresses()) == people(0, 1, 2, 3, 4)  # the other two, in the next hour
    Stat.change_at(*chunk.place.stat_key, Stat.delivered.add({0, 1, 2}))
    clocked.work(made, minutes=61)

    assert len(clocked.mails.addresses()) == 5
    assert clocked.chunks(made)[0].outcomes == "aaaaa"


def test_a_rate_spreads_what_is_released(clocked: Clocked) -> None:
    clocked.people(6)
    made = clocked.said(limits={"per_minute": 2})
    clocked.launch(made)
    assert len(clocked.mails.addresses()) == 2  # the queue has no delays here, so the rest meets a full minute
    send = clocked.send_of(made)
    assert (int(send.chunk_size), pacing.of(send, clock.business()).rate) == (2, 2 / 60)
    assert send.paced_until is not None and send.paced_until > clock.business() + timedelta(seconds=50)
    clocked.later(minutes=2)
    assert len(clocked.mails.addresses()) == 4


def test_caps_of_several_sends_may_share_a_window() -> None:
    day = Cap("identity#news@acme.example", 50, None, "America/New_York")
    start, end = day.around(datetime(2026, 3, 8, 12, tzinfo=UTC))
    assert (clock.iso(start), clock.iso(end)) == ("2026-03-08T05:00:00.000Z", "2026-03-09T04:00:00.000Z")  # 23 hours
    last_second = datetime(2026, 3, 8, 12, 59, 59, tzinfo=UTC)
    assert Cap("x", 1, quotas.HOUR).around(last_second)[1] == datetime(2026, 3, 8, 13, tzinfo=UTC)
    assert Quota.key(TENANT, day.key, start)[0] == f"QUOTA#{TENANT}#identity#news@acme.example"


def test_a_late_copy_of_a_chunk_claims_nothing(clocked: Clocked) -> None:
    """Somebody read the chunk before it was claimed, called for and left in doubt in part; its claim must fail."""
    clocked.people(4)
    made = clocked.planned(4)
    (late,) = clocked.chunks(made)
    late.change(Chunk.span.set(2))
    clocked.mails.fault("500_accepted", count=1)
    delivering.look_at(late.place)
    (chunk,) = clocked.chunks(made)
    assert (chunk.state, sorted(chunk.in_doubt), chunk.sendable) == ("pending", [0, 1], [2, 3])

    assert claims.claim(clocked.send_of(made), late, clock.wall()) is None
    delivering.look_at(chunk.place)
    assert len(clocked.mails.addresses()) == 4  # those who were not called for did not wait
    (chunk,) = clocked.chunks(made)
    assert (chunk.state, sorted(chunk.in_doubt)) == ("unknown", [0, 1])
    Stat.change_at(*chunk.place.stat_key, Stat.delivered.add({0, 1}))
    clocked.work(made, minutes=5)
    assert (len(clocked.mails.addresses()), clocked.chunks(made)[0].outcomes) == (4, "aaaa")


def test_who_may_have_been_sent_is_not_called_cancelled(clocked: Clocked) -> None:
    """The grace is over and they are to be sent again; until then the campaign rests, and then it is cancelled."""
    clocked.people(4)
    made = clocked.planned(2)
    clocked.mails.fault("500", count=1)
    delivering.look_at(clocked.chunks(made)[0].place)
    clocked.do("pause", made)
    clocked.work(made, hours=3)
    first = clocked.chunks(made)[0]
    assert (first.state, first.sendable, sorted(first.doubted or ())) == ("pending", [0, 1], [0, 1])
    clocked.do("cancel", made)
    clocked.work(made, minutes=1)

    assert [chunk.outcomes for chunk in clocked.chunks(made)] == ["uu", "xx"]


def test_a_send_that_was_paused_for_long_expires_visibly(clocked: Clocked) -> None:
    clocked.people(4)
    made = clocked.planned(2)
    clocked.mails.fault("500", count=1)
    delivering.look_at(clocked.chunks(made)[0].place)
    clocked.do("pause", made)
    clocked.later(days=8)
    clocked.work(made, hours=3)
    clocked.world.settle()

    assert clocked.mails.addresses() == []
    assert clocked.results(made)["not_sent_by_reason"] == {"expired": 2, "outcome_unknown": 2}
    shown = clocked.do("get", made).data
    assert (shown["status"], shown["reason"]) == ("expired", "send_expired")


def test_an_end_of_its_own(clocked: Clocked) -> None:
    clocked.people(1)
    made = clocked.said(expires_at="2026-03-02T08:00:00Z")
    assert clocked.do("launch", made).refused == ["expires_at"]
    clocked.do("update", made, body={"expires_at": "2026-03-02T10:00:00Z"})
    clocked.do("schedule", made, body={"scheduled_at": "2026-03-02T09:30:00Z"})
    clocked.later(hours=2)  # the schedule is late, but not by a day
    assert (clocked.status(made), clocked.mails.addresses()) == ("expired", [])
