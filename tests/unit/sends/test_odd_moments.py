"""What holds when something happens at an odd moment: a death between two writes, a lost answer, a deleted segment."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.contacts import suppressions
from drumbeat.contacts.model import Contact
from drumbeat.events import Outbox
from drumbeat.sends import delivering, ledger, planning, senders, states
from drumbeat.sends.model import Send, Stat
from drumbeat.sends.senders import Sender
from drumbeat.table import Transaction
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

from tests.unit.sends.conftest import TENANT, Clocked
from tests.unit.sends.test_limits import hooked, people
from tests.unit.sends.test_local_time import contacts, planned, stored
from tests.unit.sends.test_resend import preview, resend
from tests.world import World

# botocore asks all hooks, so moto is led to believe that a request is not meant for it.
NOWHERE = "https://nowhere.example/"


def dying(at: bytes) -> Callable[..., None]:
    """Dies once, before the first request that says so."""
    seen: list[bool] = []

    def die(params: dict[str, Any], **_: Any) -> None:
        if at in params["body"] and not seen:
            seen.append(True)
            raise TimeoutError

    return die


def test_whoever_may_have_been_sent_is_resent_only_as_unknown(clocked: Clocked) -> None:
    """Their first call may have succeeded. When its grace was over, one was suppressed and one refused."""
    clocked.people(2)
    made = clocked.planned(2)
    clocked.mails.fault("500_accepted", count=1)
    delivering.look_at(clocked.chunks(made)[0].place)
    suppressions.suppress(TENANT, "p0@town.example", "marketing", "manual", None, clock.business())
    Contact.change_at(*Contact.key(TENANT, f"con_{1:026d}"), Contact.email.set("p1@" + "x" * 250 + ".example"))
    clocked.work(made, hours=3)
    clocked.later(minutes=1)
    assert clocked.results(made)["not_sent_by_reason"] == {"suppressed": 1, "rejected_by_provider": 1}

    shown = preview(clocked, made, reasons=["suppressed", "rejected_by_provider", "outcome_unknown"])
    assert shown["by_reason"] == {"suppressed": 0, "rejected_by_provider": 0, "outcome_unknown": 2}


def test_a_resend_costs_what_it_sends(clocked: Clocked) -> None:
    """Of what is known at its launch: a budget is not held against those who have been sent."""
    clocked.people(6)
    made = clocked.planned(2)
    delivering.look_at(clocked.chunks(made)[0].place)
    clocked.do("cancel", made)
    clocked.later(minutes=1)
    clocked.later(minutes=1)

    again = resend(clocked, made, send_type="immediate").data["id"]
    assert clocked.send_of(again).launch["recipients"] == 4


def test_a_plan_that_was_interrupted_counts_whoever_came_meanwhile(world: World) -> None:
    """The planner dies between its last chunk, which is not full, and its note of it; then somebody joins."""
    everyone = contacts(5)
    table.put_many(everyone[:4])
    send = planned(size=3)
    send.change(Send.local.remove())
    state = {"tenant": TENANT, "send": send.send_id}
    with hooked("before-call.dynamodb", dying(b"audience_size")), pytest.raises(TimeoutError):
        planning.plan(state)
    table.put_many(everyone[4:])
    planning.plan(state)

    assert [len(chunk.contacts) for chunk in stored(send)] == [3, 1, 1]
    after = Send.fetch(send.pk, send.sk)
    assert after is not None and after.planned_whole and int(after.audience_size) == 5


def test_a_launch_is_told_of_whenever_its_planner_died(world: World) -> None:
    table.put_many(contacts(2))
    send = planned(size=3)
    state = {"tenant": TENANT, "send": send.send_id}
    with hooked("before-call.dynamodb", dying(b"marketing.campaign.launched")), pytest.raises(TimeoutError):
        planning.plan(state)
    for _ in range(2):
        assert planning.plan(state)["done"]

    told = Outbox.fetch(f"OUTBOX#{TENANT}#marketing.campaign.launched#{send.send_id}", "OUTBOX")
    assert told is not None and '"segment_size":2' in told.frame


def test_a_transaction_that_is_still_at_work_is_asked_for_by_the_same_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its answer was lost and DynamoDB says that it is in progress, until the SDK gives up. Were it another request,
    its own first attempt would refuse it."""
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
    tokens: list[str] = []

    def in_progress(request: Any, **_: Any) -> AWSResponse | None:
        tokens.append(str(request.body).partition('"ClientRequestToken": "')[2].partition('"')[0])
        if len(tokens) == 1:
            botocore_stubber("before-send", request)
        address, request.url = request.url, NOWHERE
        if len(tokens) > 7:
            return AWSResponse(address, 200, {}, MockRawResponse("{}"))
        error = '{"__type": "com.amazonaws.dynamodb.v20120810#TransactionInProgressException", "message": "wait"}'
        return AWSResponse(address, 400, {}, MockRawResponse(error))

    with hooked("before-send.dynamodb.TransactWriteItems", in_progress):
        Transaction().create(Stat("STAT#x#y#0", "000000")).commit()

    assert len(tokens) == 8 and len(set(tokens)) == 1 and tokens[0]


def test_a_campaign_that_the_provider_paused_can_be_cancelled_at_once(clocked: Clocked) -> None:
    clocked.people(2)
    made = clocked.planned(2)
    states.pause(TENANT, clocked.send_of(made).send_id, "provider_refused:x")  # and no roll-up has seen it yet

    assert clocked.do("cancel", made).data["status"] == "cancelled"
    clocked.work(made)
    assert (clocked.mails.addresses(), clocked.chunks(made)[0].outcomes) == ([], "xx")


def test_a_segment_that_is_deleted_while_a_send_is_planned_pauses_it(clocked: Clocked) -> None:
    clocked.people(2)
    left_out = clocked.segment()
    made = clocked.said(audience={"everyone": True, "exclude": [left_out]})
    clocked.do("launch", made)
    clocked.world.call("segments.delete_segment", path={"segment_id": left_out})
    clocked.world.settle()

    shown = clocked.do("get", made).data
    assert (shown["status"], shown["reason"], clocked.mails.addresses()) == ("paused", "excluded_segment_deleted", [])
    clocked.do("resume", made)
    clocked.later(minutes=3)
    assert (clocked.status(made), clocked.mails.addresses()) == ("paused", [])
    clocked.do("cancel", made)
    clocked.later(minutes=3)
    clocked.later(minutes=3)
    assert clocked.results(made)["not_sent_by_reason"] == {"cancelled": 2}


@pytest.mark.parametrize("part", ["segments", "exclude"])
def test_a_segment_that_was_deleted_is_missed(clocked: Clocked, part: str) -> None:
    """Whoever was to be left out must not get it because the segment is gone; a schedule says so and ends."""
    clocked.people(2)
    town = clocked.segment()
    audience = {"segments": [town]} if part == "segments" else {"everyone": True, "exclude": [town]}
    made = clocked.said(audience=audience)
    clocked.do("schedule", made, body={"scheduled_at": "2026-03-02T09:30:00Z"})
    assert clocked.world.call("segments.delete_segment", path={"segment_id": town}).status == 200
    clocked.later(minutes=40)

    shown = clocked.do("get", made).data
    assert (shown["status"], clocked.mails.addresses()) == ("draft", [])
    assert shown["reason"].startswith(f"not launched: audience.{part}")
    assert clocked.do("launch", made).refused == [f"audience.{part}"]
    again = {"scheduled_at": "2026-03-03T09:30:00Z"}
    assert clocked.do("schedule", made, body=again).refused == [f"audience.{part}"]


def test_a_template_that_was_deleted_ends_a_schedule_visibly(clocked: Clocked) -> None:
    clocked.people(1)
    template = clocked.template()
    made = clocked.campaign()
    clocked.do("update", made, body={"template_id": template})
    clocked.do("schedule", made, body={"scheduled_at": "2026-03-02T09:30:00Z"})
    assert clocked.world.call("templates.delete_template", path={"template_id": template}).status == 200
    clocked.later(minutes=40)

    shown = clocked.do("get", made).data
    assert (shown["status"], shown["reason"][:14]) == ("draft", "not launched: ")


def test_who_gets_it_on_the_next_day_is_not_too_late(clocked: Clocked) -> None:
    """It is 9:00 UTC; nine o'clock has passed in Tokyo, where it comes tomorrow at midnight UTC."""
    clocked.contact("tokyo@town.example", time_zone="Asia/Tokyo")
    made = clocked.said(
        send_in_recipient_zone=True, local_send_at="2026-03-01T09:00:00", expire_after=3600, audience={"everyone": True}
    )
    clocked.launch(made)
    clocked.later(hours=15, minutes=2)

    assert clocked.mails.addresses() == ["tokyo@town.example"]


def test_what_has_left_is_shown_whichever_limit_there_is(clocked: Clocked) -> None:
    clocked.people(3)
    made = clocked.said(limits={"per_minute": 10})
    clocked.launch(made)

    shown = clocked.do("get", made).data["rate_limit"]
    assert shown == {"hourly_sent": 3, "daily_sent": 3, "limit_reached": False}


def test_a_mail_has_one_row_though_its_chunk_was_claimed_again(clocked: Clocked) -> None:
    """Its worker wrote the rows and died; the others are sent by another claim, and then an event proves the first."""
    clocked.people(4)
    made = clocked.planned(4, limits={"per_hour": 2})
    (chunk,) = clocked.chunks(made)
    original = ledger.facts

    def die(*_: object) -> Any:
        raise KeyboardInterrupt

    ledger.facts = die  # type: ignore[assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            delivering.look_at(chunk.place)
    finally:
        ledger.facts = original
    clocked.work(made, minutes=3)
    clocked.work(made, minutes=61)
    Stat.change_at(*chunk.place.stat_key, Stat.delivered.add({0, 1}))
    clocked.work(made, hours=1)

    assert sorted(clocked.mails.addresses()) == people(0, 1, 2, 3)
    (chunk,) = clocked.chunks(made)
    assert (chunk.outcomes, sorted(chunk.hours.values())) == ("aaaa", [2, 2])
    for contact in chunk.contacts:
        rows = table.rows(Timeline, f"TIMELINE#{TENANT}#{contact}")
        assert [row.name for row in rows].count("email.sent") == 1


def test_a_send_that_is_over_is_no_work_of_its_account_any_more(clocked: Clocked) -> None:
    """Its last roll-up comes behind the governor's last round, which could not know yet that it is over."""
    clocked.people(2)
    made = clocked.campaign()
    clocked.launch(made)
    send = clocked.send_of(made)
    Sender.change_at(*Sender.key(senders.SES), Sender.work.add({f"{TENANT}#{send.send_id}"}))
    clocked.world.run("sends.sweep_sends")

    assert clocked.status(made) == "sent"
    assert not senders.get().work
