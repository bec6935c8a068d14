"""An account that is throttled is used half as fast by everyone, and one whose day is used up waits for the next."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.channels import outcomes
from drumbeat.sends import gate, senders, throttling
from drumbeat.sends.senders import Sender

from tests.unit.sends.conftest import Clocked
from tests.unit.sends.test_circuit import launched, minute, released, shown
from tests.unit.sends.test_limits import hooked


def test_a_throttled_call_slows_down_all_that_was_released_before_it(clocked: Clocked) -> None:
    """Nineteen others are at work at the rate of before: what they have on the queue goes back."""
    made = launched(clocked, 20)
    senders.get().change(Sender.rate.set(10))
    clocked.mails.fault("429", count=1, retry_after=7)

    minute(clocked, seconds=1)

    told = shown(clocked, made)
    assert clocked.mails.addresses() == []
    assert (told["governor"]["rate"], told["governor"]["held_because"]) == (10.0, "throttled")
    assert 5.0 <= told["governor"]["rate_now"] < 5.1
    assert told["governor"]["slowed_because"] == "TooManyRequestsException"
    assert "throttled" in told["waiting_for"] and told["circuit"]["state"] == "closed"
    for _ in range(2):
        assert minute(clocked, seconds=3) == 0  # `Retry-After` was seven seconds
    minute(clocked, seconds=3)
    assert len(clocked.mails.addresses()) == 19  # the one that was throttled waits longer
    minute(clocked)
    assert len(set(clocked.mails.addresses())) == len(clocked.mails.addresses()) == 20
    clocked.time.passes(throttling.RECOVERY)
    told = shown(clocked, made)["governor"]
    assert (told["rate_now"], told["slowed_at"], told["held_until"]) == (10.0, None, None)


def test_what_is_released_to_a_slow_account_takes_its_time(clocked: Clocked) -> None:
    launched(clocked, 20)
    senders.get().change(Sender.rate.set(10), Sender.slow_rate.set(5), Sender.slowed_at.set(clock.wall()))

    released(clocked)

    row = senders.get()
    assert row.released_until is not None and 2.9 <= (row.released_until - clock.wall()).total_seconds() <= 3.1


def test_an_entry_that_is_throttled_counts_for_the_account_too(clocked: Clocked) -> None:
    made = launched(clocked, 4, chunk=4)
    clocked.mails.fault("partial", count=1, share=0.5, statuses=["ACCOUNT_THROTTLED"])

    minute(clocked, seconds=1)

    told = shown(clocked, made)
    assert (told["recipients"]["sent"], told["governor"]["slowed_because"]) == (2, "ACCOUNT_THROTTLED")


def test_answers_about_one_moment_slow_the_account_down_once(clocked: Clocked) -> None:
    account = senders.get()
    account.change(Sender.rate.set(10))
    for wait in (2, 2, 30):
        senders.slow_down("ses", "slow", timedelta(seconds=wait))
    row = senders.get()
    assert row.slow_rate == 5.0
    assert row.held_until is not None and row.held_until > clock.wall() + timedelta(seconds=25)

    clocked.time.passes(throttling.TOGETHER)
    senders.slow_down("ses", "slow", timedelta(seconds=2))
    assert 2.5 <= float(senders.get().slow_rate or 0) < 2.7


def test_a_used_up_day_holds_the_account_and_no_campaign_for_ever(clocked: Clocked) -> None:
    clocked.mails.configure(max_24_hour_send=0)
    made = launched(clocked, 3)
    account = senders.get()
    account.change(Sender.left_today.set(3))  # as it was when the account was last asked
    minute(clocked, seconds=1)

    told = shown(clocked, made)
    assert (told["state"], told["reason"], told["governor"]["held_because"]) == ("sending", None, "daily_quota")
    assert "daily_quota" in told["waiting_for"]
    assert clocked.status(made) == "sending"
    clocked.world.run("sends.sweep_sends", {})
    assert senders.get().held_reason == "daily_quota"  # SES says that nothing is left
    clocked.mails.configure(max_24_hour_send=1000)
    clocked.world.run("sends.sweep_sends", {})
    assert senders.get().held_reason is None
    clocked.time.passes(gate.QUOTA_WAIT)
    minute(clocked)

    assert len(clocked.mails.addresses()) == 3


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("7", 7), ("0", 0), ("99999", 3600), ("", None), ("soon", None), ("-1", None), ("1e9", None),
     ("9" * 5000, None), (f"Mon, 02 Mar {'9' * 20} 09:00:00 GMT", None)],
)  # fmt: skip
def test_how_long_a_provider_asks_us_to_wait(text: str, seconds: int | None) -> None:
    wanted = None if seconds is None else timedelta(seconds=seconds)
    assert outcomes.asked_to_wait({"Retry-After": text}) == wanted


def test_a_date_to_wait_for_is_understood_too() -> None:
    at = (clock.wall() + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    wait = outcomes.asked_to_wait({"retry-after": at})
    assert wait is not None and timedelta(seconds=80) < wait <= timedelta(seconds=90)
    assert outcomes.asked_to_wait({"retry-after": "Mon, 02 Mar 2020 09:00:00 GMT"}) == timedelta(0)


def test_the_longest_wait_of_several_counts(clocked: Clocked) -> None:
    """Another worker writes down that it was told to wait longer, just before this one writes."""
    senders.get()
    seen: list[bool] = []

    def quicker(params: dict[str, Any], **_: Any) -> None:
        if b"slowed_at" in params["body"] and not seen:
            seen.append(True)
            senders.slow_down("ses", "slow", timedelta(seconds=30))

    with hooked("before-call.dynamodb.UpdateItem", quicker):
        senders.slow_down("ses", "slow", timedelta(seconds=2))
    senders.hold("ses", senders.DAILY_QUOTA, timedelta(seconds=5))

    row = senders.get()
    assert row.held_until is not None and row.held_until > clock.wall() + timedelta(seconds=25)
    assert row.held_reason == senders.THROTTLED
