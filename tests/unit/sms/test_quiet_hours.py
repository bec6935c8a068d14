"""Text messages at night: held by the rules of each recipient's country, released without a burst."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from drumbeat.sends import rollups

from tests.clocks import Time, moved
from tests.unit.sms.conftest import Texts

# Evening in New York, half past eight; half past seven in the morning in Dhaka, and two at night in Berlin.
EVENING = datetime(2026, 3, 3, 1, 30, tzinfo=UTC)
MIAMI, NEW_YORK, DHAKA, BERLIN = "+13055550123", "+12125550123", "+8801712345678", "+4915112345678"


@pytest.fixture
def time(texts: Texts) -> Iterator[Time]:
    made = Time(EVENING)
    with moved(made):
        yield made


def later(texts: Texts, time: Time, **duration: float) -> None:
    """Let time pass, and the schedules do what they do each minute."""
    time.passes(timedelta(**duration))
    rollups.forget()
    texts.world.run("sends.sweep_sends", {})
    texts.world.settle()


def test_each_gets_it_when_it_is_day_where_the_number_is(texts: Texts, time: Time) -> None:
    for phone in (MIAMI, NEW_YORK, DHAKA, BERLIN):
        texts.contact(phone)
    made = texts.campaign("Sale", purpose="marketing")
    texts.launch(made)

    assert set(texts.sent()) == {NEW_YORK}  # in Florida the law ends the day at eight
    (held,) = texts.results(made)["held"]
    assert (held["reason"], held["recipients"]) == ("quiet_hours", 3)
    later(texts, time, hours=1, minutes=29)  # a minute to nine in Dhaka
    assert set(texts.sent()) == {NEW_YORK}
    later(texts, time, minutes=32)
    assert set(texts.sent()) == {NEW_YORK, DHAKA}
    later(texts, time, hours=4)
    assert set(texts.sent()) == {NEW_YORK, DHAKA, BERLIN}
    later(texts, time, hours=6)
    assert set(texts.sent()) == {NEW_YORK, DHAKA, BERLIN, MIAMI}
    assert texts.results(made)["status"] == "sent"


def test_what_was_held_does_not_leave_at_once(texts: Texts, time: Time) -> None:
    for number in range(6):
        texts.contact(f"+88017123456{number:02d}")
    texts.launch(texts.campaign("Sale", purpose="marketing"))

    later(texts, time, hours=1, minutes=30)
    counts = []
    for _ in range(2):
        later(texts, time, minutes=15)
        counts.append(len(texts.sent()))
    assert 0 < counts[0] < 6 and counts[1] == 6
