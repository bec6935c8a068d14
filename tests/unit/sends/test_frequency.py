"""Frequency caps: never more than the tenant and the person want, however many campaigns, workers and repeats; and what
was not sent takes no place."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from drumbeat import clock
from drumbeat.accounts.model import Tenant
from drumbeat.contacts.model import Contact
from drumbeat.sends import delivering
from drumbeat.sends.model import ChunkState, Outcome
from drumbeat.sends.moment import caps, frequency
from drumbeat.sends.moment.caps import Window
from drumbeat.sends.moment.frequency import Frequency
from drumbeat.table import ConditionFailed

from tests.clocks import START
from tests.meanwhile import changed, quicker, stored, vanished
from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_circuit import shown
from tests.unit.sends.test_in_time import opts_out, slow
from tests.unit.sends.test_limits import hooked, people

WHO = f"con_{0:026d}"
ROW = Frequency.key(TENANT, WHO)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def settings(shop: Clocked, **said: Any) -> None:
    assert shop.world.call("accounts.update_settings", body=said).status == 200


def capped(shop: Clocked, number: int = 1, **by_window: int) -> None:
    """People, and a cap for mails."""
    shop.people(number)
    settings(shop, frequency_caps={"email": by_window})


def stored_settings() -> dict[str, Any]:
    row = Tenant.fetch(*Tenant.key(TENANT))
    return dict(row.settings or {}) if row else {}


def prefers(**said: Any) -> None:
    Contact.change_at(*Contact.key(TENANT, WHO), Contact.preferences.set(said))


def sent(shop: Clocked, **fields: Any) -> str:
    """A campaign of one chunk that a worker has looked at; what became of its recipients."""
    made = shop.planned(50, **fields)
    delivering.look_at(shop.chunks(made)[0].place)
    return str(shop.chunks(made)[0].outcomes)


def taken() -> list[str]:
    """The messages that have a place, by their sends."""
    row = stored(ROW)
    return sorted(Frequency.fetch(*ROW).taken) if row else []  # type: ignore[union-attr]


# The rules.


def entry(hours_ago: float, channel: str = "email") -> list[str]:
    return [clock.iso(START - hours_ago * HOUR), channel]


@pytest.mark.parametrize(
    ("wanted", "hours"),
    [
        ([], 0),
        ([Window(3, DAY, "email")], 0),
        ([Window(2, DAY, "email")], 14),  # of the two in the last 24 hours the earlier one ends in 14
        ([Window(1, DAY, "email")], 23),
        ([Window(3, 7 * DAY, "email")], 18),  # three within a week, the first for 150 hours
        ([Window(2, DAY, None)], 23 - 2),  # the text message counts too
        ([Window(2, DAY, "email"), Window(1, DAY, "sms")], 21),
    ],
)
def test_when_there_is_room(wanted: list[Window], hours: int) -> None:
    held = {"a": entry(1), "b": entry(10), "c": entry(150), "d": entry(3, "sms")}

    assert caps.room_at(held, wanted, "e", START) == START + hours * HOUR


def test_a_message_that_has_its_place_does_not_stand_in_its_own_way() -> None:
    assert caps.room_at({"a": entry(1)}, [Window(1, DAY, "email")], "a", START) == START
    assert caps.after({"a": entry(1), "b": entry(800)}, "a", "email", START) == {"a": entry(0)}


def test_what_binds_whom() -> None:
    tenants = {"per_day": 1, "per_week": 3}

    def limits(priority: str, apart: timedelta | None = None) -> list[tuple[int, str | None]]:
        found = caps.windows(tenants, "email", priority, apart)
        return [(window.limit, window.channel) for window in found if window.limit < 1000]

    assert limits("normal") == [(1, "email"), (3, "email")]
    assert limits("low") == [(1, "email"), (2, "email")]  # the last place of several is for others
    assert limits("high") == []
    assert limits("high", DAY) == [(1, None)]  # the person's own wish
    assert caps.windows(tenants, "email", "high", None)  # and it is counted


# Through the worker.


def test_another_campaign_finds_no_room_until_the_window_has_rolled_on(clocked: Clocked) -> None:
    capped(clocked, per_week=1)
    assert sent(clocked, name="a") == "a"
    made = clocked.planned(50, name="b")
    clocked.work(made, minutes=0)

    assert shown(clocked, made)["recipients"] == {"sent": 0, "open": 0, "unknown": 0, "frequency_cap": 1}
    listed = clocked.world.call("campaigns.list_recipients", path={"campaign_id": made}).data["items"]
    assert [(one["outcome"], one["reason"]) for one in listed] == [("not_sent", "frequency_cap")]
    clocked.time.passes(7 * DAY)
    assert sent(clocked, name="c") == "a"
    assert len(clocked.mails.addresses()) == 2 and len(taken()) == 2


def test_who_is_to_wait_gets_it_when_there_is_room(clocked: Clocked) -> None:
    capped(clocked, per_day=1)
    sent(clocked, name="a")
    made = clocked.planned(50, name="b", over_cap="hold")
    clocked.work(made, minutes=0)

    (told,) = shown(clocked, made)["held"]
    left = clock.parse(told["until"]) - clock.business()
    assert (told["reason"], told["recipients"]) == ("frequency_cap", 1) and timedelta(hours=23) < left < DAY
    clocked.work(made, hours=23)
    assert len(clocked.mails.addresses()) == 1 and int(clocked.chunks(made)[0].attempts) == 1
    clocked.work(made, hours=1)
    assert len(clocked.mails.addresses()) == 2


def test_nobody_waits_for_what_will_have_expired(clocked: Clocked) -> None:
    capped(clocked, per_week=1)
    sent(clocked, name="a")

    assert sent(clocked, name="b", over_cap="hold", expire_after=86_400) == "f"


def test_what_is_transactional_is_neither_counted_nor_held(clocked: Clocked) -> None:
    capped(clocked, per_week=1)

    assert sent(clocked, name="receipt", purpose="transactional") == "a" and taken() == []
    assert [sent(clocked, name=name) for name in "ab"] == ["a", "f"]
    assert sent(clocked, name="another", purpose="transactional") == "a"


def test_what_is_urgent_is_counted_and_not_held(clocked: Clocked) -> None:
    capped(clocked, per_week=1)

    assert [sent(clocked, name=name, priority="high") for name in "ab"] == ["a", "a"]
    assert sent(clocked, name="c") == "f"


def test_what_matters_less_leaves_the_last_place_to_others(clocked: Clocked) -> None:
    capped(clocked, per_week=2)

    assert [sent(clocked, name=name, priority="low") for name in "ab"] == ["a", "f"]
    assert sent(clocked, name="c") == "a"


def test_how_often_a_person_wants_mail(clocked: Clocked) -> None:
    clocked.people(1)
    prefers(frequency="weekly")

    assert [sent(clocked, name=name, priority="high") for name in "ab"] == ["a", "f"]
    clocked.time.passes(7 * DAY)
    assert sent(clocked, name="c") == "a"


@pytest.mark.parametrize(("wish", "days"), [("daily", 1), ("weekly", 7), ("monthly", 28)])
def test_what_comes_at_the_same_hour_each_time_comes_each_time(clocked: Clocked, wish: str, days: int) -> None:
    """A mail is on its way for seconds or, one of many, for an hour: the next one may be faster."""
    clocked.people(1)
    prefers(frequency=wish)
    clocked.time.passes(HOUR)
    assert sent(clocked, name="the slower one") == "a"
    clocked.time.passes(days * DAY - HOUR)

    assert sent(clocked, name="the faster one") == "a"
    clocked.time.passes(timedelta(days=days / 2))
    assert sent(clocked, name="one more") == "f"


def test_who_has_paused_or_refuses_a_category_gets_nothing(clocked: Clocked) -> None:
    clocked.people(1)
    settings(clocked, categories=[{"id": "offers", "name": "Offers"}, {"id": "news", "name": "News"}])
    prefers(refused=["offers"])
    assert sent(clocked, name="a", category="offers") == Outcome.CATEGORY
    assert sent(clocked, name="b", category="news") == "a"

    prefers(paused_until=clock.iso(clock.business() + 30 * DAY))
    assert sent(clocked, name="c") == Outcome.PAUSED
    assert sent(clocked, name="d", purpose="transactional", category="offers") == "a"
    clocked.time.passes(30 * DAY)
    assert sent(clocked, name="e") == "a"


def test_a_category_that_there_is_not(clocked: Clocked) -> None:
    made = clocked.said()
    refused = clocked.world.call("campaigns.update_campaign", path={"campaign_id": made}, body={"category": "offers"})

    assert (refused.status, refused.refused) == (422, ["category"])


def test_without_caps_nothing_is_written_and_nothing_read(clocked: Clocked) -> None:
    clocked.people(1)
    seen: list[str] = []
    with hooked("before-call.dynamodb", lambda params, **_: seen.append(str(params["body"]))):
        assert sent(clocked) == "a"

    assert not [body for body in seen if "FREQUENCY" in body]


def test_a_category_that_was_made_a_moment_ago(clocked: Clocked) -> None:
    """Whoever changes settings is another instance than whoever makes campaigns."""
    made = clocked.said()
    known = [{"id": "offers", "name": "Offers"}]
    Tenant.change_at(*Tenant.key(TENANT), Tenant.settings.set({**stored_settings(), "categories": known}))

    changed = clocked.world.call("campaigns.update_campaign", path={"campaign_id": made}, body={"category": "offers"})
    assert (changed.status, changed.data["category"]) == (200, "offers")


# Exact.


def test_only_what_may_have_been_sent_takes_a_place(clocked: Clocked) -> None:
    capped(clocked, per_week=1)
    for fault, outcome in (("429", "."), ("500", ".")):
        clocked.time.passes(timedelta(seconds=10))
        clocked.mails.fault(fault, count=1)
        assert sent(clocked, name=fault) == outcome
        assert len(taken()) == (fault == "500")  # nobody knows whether that one left
    assert sent(clocked, name="b") == "f"


def test_a_message_in_doubt_is_tried_again_in_its_own_place(clocked: Clocked) -> None:
    capped(clocked, per_week=1)
    made = clocked.planned(50)
    clocked.mails.fault("500", count=1)
    clocked.work(made, minutes=0)
    before = taken()
    clocked.work(made, hours=3)
    clocked.work(made, minutes=1)

    assert (clocked.chunks(made)[0].outcomes, len(clocked.mails.addresses()), taken()) == ("a", 1, before)


def test_who_is_left_out_by_the_second_look_gives_the_place_back(clocked: Clocked) -> None:
    capped(clocked, 2, per_week=1)
    made = clocked.planned(50)
    seen: list[bool] = []

    def placed(params: dict[str, Any], **_: Any) -> None:
        if "FREQUENCY" in str(params["body"]) and not seen:
            seen.append(True)
            slow(clocked)()
            opts_out(0)()

    with hooked("before-call.dynamodb.PutItem", placed):
        delivering.look_at(clocked.chunks(made)[0].place)

    assert (clocked.mails.addresses(), clocked.chunks(made)[0].outcomes, taken()) == (people(1), "sa", [])


def test_a_place_that_cannot_be_given_back_loses_no_outcome(clocked: Clocked) -> None:
    """It stays the message's own, which is tried again."""
    capped(clocked, 2, per_week=1)
    made = clocked.planned(50)
    clocked.mails.fault("partial", count=1, share=0.5)

    def refuse(params: dict[str, Any], **_: Any) -> None:
        if "FREQUENCY" in str(params["body"]):
            raise ClientError({"Error": {"Code": "ValidationException", "Message": "no"}}, "GetItem")

    with hooked("before-call.dynamodb.GetItem", refuse):
        clocked.work(made, minutes=0)

    (chunk,) = clocked.chunks(made)
    assert (sorted(chunk.outcomes), chunk.state) == ([".", "a"], ChunkState.PENDING)
    clocked.work(made, minutes=2)
    assert (clocked.chunks(made)[0].outcomes, sorted(clocked.mails.addresses())) == ("aa", people(0, 1))


@pytest.mark.parametrize(("before", "write"), [(0, "PutItem"), (1, "UpdateItem")])
def test_two_campaigns_at_the_same_moment(clocked: Clocked, before: int, write: str) -> None:
    """Both have read that there is room; while the one is about to take it, the other one does."""
    capped(clocked, per_week=before + 1)
    for number in range(before):
        sent(clocked, name=str(number))
    one, other = (clocked.planned(50, name=name) for name in "ab")

    with quicker(ROW, lambda key: delivering.look_at(clocked.chunks(other)[0].place)) as happened:
        delivering.look_at(clocked.chunks(one)[0].place)

    assert happened == [write]
    assert (clocked.chunks(one)[0].outcomes, clocked.chunks(other)[0].outcomes) == ("f", "a")
    assert len(clocked.mails.addresses()) == len(taken()) == before + 1


@pytest.mark.parametrize(("act", "places"), [(vanished, 1), (changed, 2)])
def test_a_row_that_changes_meanwhile_is_read_again(clocked: Clocked, act: Callable[..., None], places: int) -> None:
    capped(clocked, per_week=2)
    sent(clocked, name="a")
    with quicker(ROW, act, operation="UpdateItem"):
        assert sent(clocked, name="b") == "a"

    assert len(taken()) == places


def test_a_place_is_given_back_of_the_row_as_it_is_then(clocked: Clocked) -> None:
    """Another campaign takes a place while this one gives its own back."""
    capped(clocked, per_week=2)
    one, other = (clocked.planned(50, name=name) for name in "ab")
    clocked.mails.fault("429", count=1)
    writes: list[str] = []

    def second(key: tuple[str, str]) -> None:
        clocked.time.passes(timedelta(seconds=10))
        delivering.look_at(clocked.chunks(other)[0].place)
        writes.append("other")

    with quicker(ROW, second, operation="UpdateItem"):
        delivering.look_at(clocked.chunks(one)[0].place)

    assert (clocked.chunks(one)[0].state, clocked.chunks(other)[0].outcomes) == (ChunkState.PENDING, "a")
    assert writes == ["other"] and [place.split("_")[1] for place in taken()] == [
        clocked.send_of(other).send_id.removeprefix("snd_")
    ]


def test_a_row_that_is_always_written_by_others_sends_nothing(
    clocked: Clocked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frequency, "TRIES", 3)
    capped(clocked, per_week=9)
    sent(clocked, name="a")
    made = clocked.planned(50, name="b")

    with quicker(ROW, changed, operation="UpdateItem", times=3), pytest.raises(ConditionFailed):
        delivering.look_at(clocked.chunks(made)[0].place)

    (chunk,) = clocked.chunks(made)
    assert (len(clocked.mails.addresses()), chunk.state, chunk.outcomes) == (1, ChunkState.PENDING, ".")
