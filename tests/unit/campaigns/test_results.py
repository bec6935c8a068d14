"""From the launch to the charts: hours and domains that the worker kept, devices and countries that tracking saw."""

import time
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, ids
from drumbeat.sends import domains, marks
from drumbeat.sends.model import Chunk

from tests.bench.dynamo import size
from tests.unit.campaigns.conftest import Shop
from tests.world import World

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:126.0) Gecko/20100101 Firefox/126.0"


def follow(shop: Shop, mail: Any, user_agent: str, country: str | None) -> None:
    """Open a mail and follow its first link, as a mail client and a browser do through CloudFront."""
    headers = {"User-Agent": user_agent, **({"CloudFront-Viewer-Country": country} if country else {})}
    click = next(link for link in mail["links"] if "/c/" in link)
    token, link = click.split("/c/")[1].split("?")[0].split("/")
    shop.world.call("tracking.record_open", tenant=None, path={"token": f"{token}.gif"}, headers=headers)
    shop.world.call("tracking.follow_link", tenant=None, path={"token": token, "link": link}, headers=headers)


def test_a_campaigns_charts(shop: Shop) -> None:
    shop.world.call("accounts.update_settings", body={"time_zone": "Asia/Dhaka", "email_price_per_thousand": 500})
    for name in ("ann@gmail.com", "bob@gmail.com", "cem@firm.example"):
        shop.contact(name)
    campaign = shop.campaign()
    shop.launch(campaign)
    mails = {mail["to"][0]: mail for mail in shop.mails.mails()}
    follow(shop, mails["ann@gmail.com"], IPHONE, "BD")
    follow(shop, mails["cem@firm.example"], FIREFOX, None)
    shop.world.settle()

    found = shop.results(campaign)

    assert [(row["domain"], row["sent"], row["opened"], row["clicked"]) for row in found["by_domain"]] == [
        ("gmail.com", 2, 1, 1), ("firm.example", 1, 1, 1),
    ]  # fmt: skip
    assert found["by_device"] == [
        {"name": "desktop", "opened": 1, "clicked": 1}, {"name": "mobile", "opened": 1, "clicked": 1},
    ]  # fmt: skip
    assert [row["name"] for row in found["by_client"]] == ["apple_mail", "firefox"]
    assert [row["name"] for row in found["by_system"]] == ["ios", "windows"]
    assert found["by_location"] == [
        {"country": "BD", "opened": 1, "clicked": 1}, {"country": "unknown", "opened": 1, "clicked": 1},
    ]  # fmt: skip
    hour = found["timeline"][0]
    assert hour["at"].endswith("+06:00") and sum(row["sent"] for row in found["timeline"]) == 3
    assert sum(row["opened"] for row in found["timeline"]) == found["opened"] == 2
    assert (found["cost"], found["cost_by_source"]["email"], found["return_on_investment"]) == (1.5, 1.5, -1.0)


def test_a_chunk_with_its_domains_takes_two_kilobytes() -> None:
    """What a write of it costs, with 50 recipients of a dozen domains."""
    send, now = ids.new("snd"), clock.wall()
    addresses = {number: f"p{number}@{number % 12}.mail-of-a-company.example" for number in range(50)}
    chunk = Chunk(
        *Chunk.key(ids.new("ten"), send, 3, 7), gsi2pk=f"DUE#ses#{send}#3", gsi2sk=f"{clock.iso(now)}#sending#50",
        state="sending", recipients=b"0" * 800, outcomes="a" * 50, claim=ids.new("clm"), attempts=1, claimed_at=now,
        lease_until=now, not_before=now, hours={str(marks.hour_of(now)): 50},
        domains=domains.merged(None, 50, addresses),
    )  # fmt: skip
    assert size(chunk.serialize()) < 2048


def test_mails_in_doubt_are_in_the_charts_once_an_event_proves_them(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.contact("ann@gmail.com")
    shop.mails.fault("500_accepted", count=1)
    campaign = shop.campaign()
    shop.launch(campaign)
    (mail,) = shop.mails.mails()
    assert shop.results(campaign)["sent"] == 0
    follow(shop, mail, IPHONE, "BD")
    shop.world.settle()
    later = clock.business() + timedelta(minutes=10)
    monkeypatch.setattr(time, "time", later.timestamp)
    shop.world.run("sends.sweep_sends", {})
    shop.world.settle()

    found = shop.results(campaign)
    assert (found["sent"], found["opened"]) == (1, 1)
    assert (found["by_domain"][0]["domain"], found["by_domain"][0]["sent"]) == ("gmail.com", 1)
    assert sum(row["sent"] for row in found["timeline"]) == 1


def test_incidents_are_published_though_a_tenant_wants_no_message_events(shop: Shop) -> None:
    """Support is told of every complaint and every opt-out (integration-guide.md, Support System)."""
    shop.world.call("accounts.update_settings", body={"message_events": False})
    shop.contact("ann@town.example")
    campaign = shop.campaign()
    shop.launch(campaign)
    (mail,) = shop.mails.mails()
    token = next(link for link in mail["links"] if "/c/" in link).split("/c/")[1].split("/")[0]
    follow(shop, mail, FIREFOX, None)
    for _ in range(2):
        shop.world.call("tracking.unsubscribe_contact", tenant=None, path={"token": token})
    shop.world.settle()

    told = [frame for frame in shop.world.published if frame["event_type"].startswith("marketing.email.")]
    assert [frame["event_type"] for frame in told] == ["marketing.email.unsubscribed"]
    assert told[0]["data"]["campaign_id"] == campaign and told[0]["data"]["email"] == "ann@town.example"


def test_an_opt_out_by_another_way_than_a_mail_is_published_once(world: World) -> None:
    known = {"email": "ann@town.example", "external_id": "cust_1"}
    world.call("contacts.create_contact", body={**known, "consent": {"email": {"status": "granted"}}})
    for address in ("ann@town.example", "stranger@town.example") * 2:
        world.call("contacts.create_unsubscribe", body={"email": address, "reason": "by phone"})
    world.settle()

    told = [frame for frame in world.published if frame["event_type"] == "marketing.email.unsubscribed"]
    assert [(frame["data"]["customer_id"], frame["data"]["email"]) for frame in told] == [
        ("cust_1", "ann@town.example"), (None, "stranger@town.example"),
    ]  # fmt: skip
