"""Campaigns that start by themselves, and campaigns that are stopped on their way."""

import contextlib
import time
from datetime import UTC, datetime, timedelta

from drumbeat import clock

from infra.local.stack import Stack
from tests.stack.company import Company, until
from tests.stack.provider import Provider

MANY = 56
# Recipients a second: slow enough to stop the campaign on its way.
SLOW, FAST = 8.0, 10_000.0


def business(stack: Stack) -> datetime:
    """The time that the deployed functions see."""
    ahead = (time.time() - stack.time_anchor) * stack.time_scale
    return datetime.fromtimestamp(stack.time_anchor + ahead, UTC)


def pace(stack: Stack, provider: Provider, recipients_a_second: float) -> None:
    """Set the account's rate, and wait until we know of it: it is read each minute."""
    provider.rate(recipients_a_second)
    key = {"pk": {"S": "SENDER#ses"}, "sk": {"S": "SENDER"}}

    def known() -> float:
        return float(table.get_item(TableName=stack.table, Key=key, ConsistentRead=True)["Item"]["rate"]["N"])

    with contextlib.closing(stack.client("dynamodb")) as table:
        until("the account's rate", known, lambda rate: rate == recipients_a_second)


def people(name: str) -> list[str]:
    return [f"customer-{name}-{number}@people.example.com" for number in range(MANY)]


def test_a_scheduled_campaign_launches_by_itself(stack: Stack, shop: Company, mail_provider: Provider) -> None:
    address = "customer-later@people.example.com"
    shop.post("/v1/contacts", {"email": address, "consent": {"email": {"status": "granted"}}})
    campaign = shop.campaign("Later")
    at = business(stack) + timedelta(minutes=3)

    planned = shop.post(f"/v1/campaigns/{campaign}/schedule", {"scheduled_at": clock.iso(at)})
    assert planned["status"] == "scheduled"
    with contextlib.closing(stack.client("scheduler")) as scheduler:
        names = [found["Name"] for found in scheduler.list_schedules()["Schedules"]]
    assert any(name.startswith(campaign) for name in names), names
    shop.closed(campaign, 1)

    shown = shop.get(f"/v1/campaigns/{campaign}")
    assert clock.parse(shown["launched_at"]) >= at
    assert address in mail_provider.truth(shown["send_id"])["addresses"]["accepted"]


def test_pause_and_resume_while_sending(stack: Stack, shop: Company, mail_provider: Provider) -> None:
    pace(stack, mail_provider, SLOW)
    campaign = shop.campaign("Stop and go")
    assert shop.api.post(f"/v1/campaigns/{campaign}/pause").status_code == 409  # nothing to pause yet
    send = shop.send(campaign, people("halting"))
    until("the first mails", lambda: mail_provider.truth(send)["accepted"])

    assert shop.post(f"/v1/campaigns/{campaign}/pause")["status"] == "paused"

    def two_seconds() -> tuple[int, int]:
        before = mail_provider.truth(send)["accepted"]
        time.sleep(2)
        return before, mail_provider.truth(send)["accepted"]

    held, _ = until("it should stand still", two_seconds, lambda counts: counts[0] == counts[1])
    assert 0 < held < MANY
    assert shop.results(campaign)["status"] == "paused"
    pace(stack, mail_provider, FAST)
    assert shop.post(f"/v1/campaigns/{campaign}/resume")["status"] == "sending"
    found = shop.closed(campaign, MANY)

    assert (found["sent"], found["not_sent"]) == (MANY, 0)
    truth = mail_provider.truth(send)
    assert (truth["addresses"]["accepted"], truth["duplicates"]) == (sorted(people("halting")), 0)


def test_cancelling_while_sending_says_who_was_not_sent(stack: Stack, shop: Company, mail_provider: Provider) -> None:
    pace(stack, mail_provider, SLOW)
    assert shop.post(f"/v1/campaigns/{shop.campaign('Draft')}/cancel")["status"] == "cancelled"
    campaign = shop.campaign("Never mind")
    send = shop.send(campaign, people("ending"))
    until("the first mails", lambda: mail_provider.truth(send)["accepted"])

    assert shop.post(f"/v1/campaigns/{campaign}/cancel")["status"] == "cancelled"
    found = until("nobody is open", lambda: shop.results(campaign), lambda now: now["open"] == 0)

    truth = mail_provider.truth(send)
    assert 0 < truth["accepted"] < MANY
    assert (truth["duplicates"], found["sent"]) == (0, truth["accepted"])
    assert found["not_sent_by_reason"] == {"cancelled": MANY - truth["accepted"]}
    rows = shop.all(f"/v1/campaigns/{campaign}/recipients", reason="cancelled")
    assert {row["email"] for row in rows}.isdisjoint(truth["addresses"]["accepted"])
    assert shop.api.post(f"/v1/campaigns/{campaign}/resume").status_code == 409
