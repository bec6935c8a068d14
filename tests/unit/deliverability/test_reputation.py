"""A bad reputation stops an identity's mail, one tenant's bounces stop nobody else's, and warm-up holds mail back."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.deliverability import reputation, warmup
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.sends import quotas
from drumbeat.sends.model import Send

from tests.sends import batch
from tests.unit.deliverability.conftest import Senders
from tests.unit.mail import Provider


def bounce(mail: dict[str, Any]) -> dict[str, Any]:
    """SES's report that a mail of the simulator's bounced."""
    at = clock.iso(clock.wall())
    tags = {name: [value] for name, value in mail["tags"].items()}
    facts = {
        "bounceType": "Permanent", "bounceSubType": "General", "timestamp": at,
        "bouncedRecipients": [{"emailAddress": mail["to"][0], "status": "5.1.1"}],
    }  # fmt: skip
    about = {"timestamp": at, "messageId": mail["id"], "destination": mail["to"], "tags": tags}
    return {"eventType": "Bounce", "mail": about, "bounce": facts}


def test_one_tenants_bounce_does_not_block_anothers_mail(senders: Senders, mails: Provider) -> None:
    # An account whose own list would block the address for everybody.
    mails.configure(suppressed_reasons=["BOUNCE", "COMPLAINT"])
    for tenant, domain in (("acme", "a-mail.example"), ("globex", "g-mail.example")):
        senders.people("bounce@people.example", tenant=tenant)
        senders.verified(domain, tenant=tenant)
    first = senders.launch("news@a-mail.example").data["id"]
    senders.world.settle()
    senders.feedback(*(bounce(mail) for mail in mails.mails()))
    assert senders.campaign(first)["status"] == "sent"

    again = senders.launch("news@a-mail.example", name="Again").data["id"]
    others = senders.launch("news@g-mail.example", tenant="globex").data["id"]
    senders.world.settle()

    sent = [(mail["tenant"], mail["to"]) for mail in mails.mails()]
    assert sent == [("ten_acme", ["bounce@people.example"]), ("ten_globex", ["bounce@people.example"])]
    assert mails.http.get("/v2/email/suppression/addresses").json() == {"SuppressedDestinationSummaries": []}
    path = {"campaign_id": again}
    blocked = senders.world.call("campaigns.list_recipients", path=path).data["items"]
    assert [row["reason"] for row in blocked] == ["suppressed"]
    assert senders.campaign(others, tenant="globex")["status"] == "sent"


def earlier(senders: Senders, identity: str, **numbers: int) -> None:
    """A send of two days ago, as its roll-up found it."""
    at = clock.business() - timedelta(days=2)
    reputation.record("ten_acme", identity, "snd_earlier", "cmp_earlier", at, at, at, numbers)


def test_a_bounce_storm_pauses_what_is_being_sent_until_somebody_answers_for_it(
    senders: Senders, mails: Provider
) -> None:
    senders.people(*(f"person{number}@people.example" for number in range(3)))
    identity = senders.verified("storm.example")["id"]
    campaigns = []
    for name in ("Storm", "Other"):
        mails.fault("partial", share=0.3, count=1)  # one recipient is left, so the campaign is still being sent
        campaigns.append(senders.launch("news@storm.example", name=name).data["id"])
        senders.world.settle()
    campaign, other = campaigns
    assert [senders.campaign(one)["status"] for one in campaigns] == ["sending", "sending"]
    # 12 of 240 are 5 %, which is not above the limit; the next one is.
    earlier(senders, identity, accepted=236, bounced=11)

    senders.feedback(bounce(mails.mails()[0]))
    assert senders.campaign(campaign)["status"] == "sending"
    send = Send.fetch(*Send.key("ten_acme", senders.campaign(campaign)["send_id"]))
    assert send is not None
    assert [(cap.limit, cap.window) for cap in quotas.caps(send, clock.business())] == [(1_000, timedelta(hours=1))]
    figure = senders.ask("get_reputation", identity).data
    assert (figure["figure"]["bounced"], figure["figure"]["sent"], figure["figure"]["level"]) == (12, 240, "warning")
    senders.feedback(bounce(mails.mails()[1]), bounce(mails.mails()[1]))

    shown = senders.campaign(campaign)
    assert (shown["status"], shown["reason"]) == ("paused", "reputation")
    assert senders.ask("get_identity", identity).data["sending"] == "paused"
    roll_up = {"tenant": "ten_acme", "send": senders.campaign(other)["send_id"]}
    senders.world.run("campaigns.roll_up_send", batch([roll_up]))
    assert (senders.campaign(other)["status"], senders.campaign(other)["reason"]) == ("paused", "reputation")
    assert [event["data"]["reasons"] for event in published(senders, "paused")] == [["bounce_rate"]]
    refused = senders.launch("news@storm.example", name="More")
    assert refused.refused == ["sender_email"]
    assert "reputation (bounces 5.4 %" in refused.text
    path = {"campaign_id": campaign}
    assert senders.world.call("campaigns.resume_campaign", path=path).body["error_code"] == "REPUTATION_PAUSED"
    assert senders.ask("resume_identity", identity, body={}).body["error_code"] == "REPUTATION_CRITICAL"

    resumed = senders.ask("resume_identity", identity, body={"override": True, "hours": 2})
    assert resumed.data["sending"] == "active"
    assert senders.world.call("campaigns.resume_campaign", path=path).data["status"] == "sending"
    senders.feedback(bounce(mails.mails()[1]))

    assert senders.campaign(campaign)["status"] == "sending"  # a person has answered for it, for two hours
    assert len(published(senders, "resumed")) == 1
    assert senders.ask("resume_identity", identity, body={"override": True}).status == 409


def published(senders: Senders, what: str) -> list[Any]:
    return [event for event in senders.world.published if event["event_type"] == f"sending_identity.{what}"]


@pytest.mark.parametrize(
    ("sent", "bounced", "complained", "level"),
    [
        (10, 1, 1, "too_few"),
        (199, 199, 0, "too_few"),
        (200, 4, 0, "good"),
        (200, 5, 0, "warning"),
        (200, 10, 0, "warning"),
        (200, 11, 0, "critical"),
        (999, 0, 50, "good"),
        (1_000, 0, 1, "warning"),
        (1_000, 0, 2, "critical"),
        (100_000, 2_000, 50, "good"),
    ],
)
def test_what_rates_mean(sent: int, bounced: int, complained: int, level: str) -> None:
    assert reputation.judged(sent, sent - bounced, bounced, 0, complained).level == level


def test_a_roll_up_that_comes_late_or_twice_changes_nothing(senders: Senders) -> None:
    now = clock.business()
    at, old = now - timedelta(days=3), now - timedelta(days=9)

    def record(send: str, as_of: Any, ended: Any, **numbers: int) -> None:
        reputation.record("ten_acme", "sid_x", send, "cmp_x", old, ended, as_of, numbers)

    for minute, bounced in ((2, 30), (2, 30), (1, 20)):
        record("snd_slow", at + timedelta(minutes=minute), None, accepted=400, bounced=bounced, soft_bounced=5)
    record("snd_over", now, old, accepted=900, bounced=900)  # ended before the window began

    figure = reputation.figure("ten_acme", "sid_x", now)

    assert (figure.sent, figure.bounced, figure.soft_bounced) == (400, 25, 5)
    assert len(list(SendFigures.query(SendFigures.partition("ten_acme", "sid_x")))) == 2


def test_warm_up_holds_mail_back_day_by_day(senders: Senders, mails: Provider) -> None:
    senders.crowd(53)
    identity = senders.verified("new.example")["id"]
    assert senders.ask("change_warmup", identity, body={"action": "pause"}).body["error_code"] == "NO_WARM_UP"
    shown = senders.ask("change_warmup", identity, body={"action": "start", "target": 1000}).data["warmup"]
    assert [day["limit"] for day in shown["days"]] == [50, 100, 500]
    assert (shown["limit_today"], shown["step"], shown["steps"]) == (50, 1, 3)

    senders.launch("news@new.example")
    senders.world.settle()
    held = len(mails.mails())
    skipped = senders.ask("change_warmup", identity, body={"action": "skip"}).data["warmup"]

    assert held == 50
    assert skipped["limit_today"] == 100


def test_a_warm_up_that_was_stopped_limits_nothing_any_more(senders: Senders) -> None:
    identity = senders.verified("warm.example")["id"]
    for action in ("start", "stop", "stop"):
        assert senders.ask("change_warmup", identity, body={"action": action}).status == 200

    again = [senders.ask("change_warmup", identity, body={"action": action}) for action in ("pause", "resume", "skip")]

    assert {reply.body["error_code"] for reply in again} == {"NO_WARM_UP"}
    assert senders.ask("get_identity", identity).data["warmup"]["limit_today"] is None
    assert senders.ask("change_warmup", identity, body={"action": "start"}).data["warmup"]["limit_today"] == 50


def test_warm_up_grows_by_the_day_and_stands_still_while_paused() -> None:
    start = clock.parse("2026-03-02T09:00:00Z")
    plan = warmup.start(20_000, start)

    def limits(plan: warmup.Plan, *days: int) -> list[int | None]:
        return [warmup.limit(plan, start + timedelta(days=day)) for day in days]

    assert limits(plan, 0, 1, 2, 5, 6, 7) == [50, 100, 500, 10_000, None, None]
    paused = warmup.pause(plan, start + timedelta(days=2))
    assert limits(paused, 2, 9) == [500, 500]
    assert limits(warmup.go_on(paused, start + timedelta(days=9)), 9, 10) == [500, 1_000]
    assert limits(warmup.skip(plan, start), 0, 1) == [100, 500]
    assert limits(warmup.stop(plan), 0) == [None]
