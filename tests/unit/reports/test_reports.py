"""Campaigns side by side, against targets, and ranked."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drumbeat import ids, table
from drumbeat.accounts import settings
from drumbeat.campaigns import economics
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.campaigns.model import Campaign
from drumbeat.sends import rollups
from drumbeat.sends.model import Send
from drumbeat.sends.totals import Totals
from drumbeat.table import Transaction

from tests.world import World

TENANT = "ten_acme"
MARCH = datetime(2026, 3, 2, 9, tzinfo=UTC)
PERIOD = {"start_date": "2026-03-01", "end_date": "2026-03-31"}


def launched(
    name: str, sent: int, delivered: int, opened: int, clicked: int, unsubscribed: int = 0, *, sold: int = 0,
    revenue: int = 0, costs: int = 0, at: datetime = MARCH, tenant: str = TENANT,
) -> str:  # fmt: skip
    """A campaign that was sent, as its last roll-up left it; money in cents."""
    campaign, send = ids.new("cmp"), ids.new("snd")
    numbers = {
        "recipients": max(sent, 20_001), "accepted": sent, "outcomes": {"a": sent}, "open": 0, "planned": True,
        "delivered": delivered, "opened": opened, "clicked": clicked, "unsubscribed": unsubscribed,
    }  # fmt: skip
    table.put_many([
        Campaign(
            *Campaign.key(tenant, campaign), gsi1pk=Campaign.partition(tenant), gsi1sk=campaign, tenant=tenant,
            campaign_id=campaign, name=name, status="sent", send_id=send, created_at=at, updated_at=at, launched_at=at,
        ),
        Totals(
            *Totals.key(tenant, send), gsi1pk=Totals.partition(tenant), campaign=campaign, name=name,
            gsi1sk=f"{at.isoformat(timespec='milliseconds')[:23]}Z#{campaign}", as_of=at, numbers=numbers,
        ),
        CampaignMoney(
            *CampaignMoney.key(tenant, campaign, "USD"), conversions=sold, revenue=revenue, costs=costs
        ),
        CampaignMoney(*CampaignMoney.key(tenant, campaign, economics.ALL), conversions=sold),
    ])  # fmt: skip
    return campaign


@contextmanager
def reads() -> Iterator[list[str]]:
    """The requests to the table meanwhile, but for those of the edge (key, rate limit)."""
    made: list[str] = []

    def note(model: Any, **_: Any) -> None:
        made.append(model.name)

    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.*", note, unique_id="note-reads")
    yield made
    events.unregister("before-call.dynamodb.*", unique_id="note-reads")


def report(world: World, name: str, **query: str) -> Any:
    return world.call(f"reports.{name}", query={**PERIOD, **query}).data


def met(kpis: list[dict[str, Any]]) -> dict[str, bool | None]:
    return {kpi["name"]: kpi["met"] for kpi in kpis}


def test_the_documented_example_against_the_documented_targets(world: World) -> None:
    """getit-marketing.md's campaign (8,500 sent, 8,200 delivered, …) reaches every target of its section 7.1."""
    launched("Eid", 8500, 8200, 2050, 485, 25, sold=95, revenue=28_500_000, costs=5_000_000)
    launched("Dull", 1000, 900, 90, 9, 9, sold=1, revenue=100, costs=100, at=MARCH + timedelta(days=3))
    launched("April", 10, 10, 10, 10, at=MARCH + timedelta(days=40))
    launched("Theirs", 10, 10, 10, 10, tenant="ten_globex")

    found = report(world, "get_kpis")

    dull, eid = found["campaigns"]
    assert (eid["name"], dull["name"]) == ("Eid", "Dull")
    assert met(eid["kpis"]) == {
        "delivery_rate": True, "open_rate": True, "click_rate": True, "conversion_rate": True,
        "unsubscribe_rate": True, "romi": True,
    }  # fmt: skip
    assert {kpi["name"]: kpi["value"] for kpi in eid["kpis"]} == {
        "delivery_rate": 0.9647, "open_rate": 0.25, "click_rate": 0.0591, "conversion_rate": 0.0112,
        "unsubscribe_rate": 0.003, "romi": 4.7,
    }  # fmt: skip
    assert set(met(dull["kpis"]).values()) == {False}
    overall = {kpi["name"]: kpi["value"] for kpi in found["overall"]}
    assert (found["sent"], found["revenue"], found["cost"]) == (9500, 285_001, 50_001)
    assert (overall["open_rate"], overall["conversion_rate"]) == (round(2140 / 9100, 4), round(96 / 9500, 4))


def test_a_tenants_own_targets_and_what_cannot_be_said_yet(world: World) -> None:
    launched("Eid", 100, 0, 0, 0)
    change = {"kpi_targets": {"delivery_rate": 0.5}, "email_price_per_thousand": 12.5}
    world.call("accounts.update_settings", body=change)

    found = report(world, "get_kpis")["campaigns"][0]["kpis"]

    assert {kpi["name"]: kpi["target"] for kpi in found}["delivery_rate"] == 0.5
    assert {kpi["name"]: kpi["target"] for kpi in found}["open_rate"] == 0.25
    assert met(found) == {
        "delivery_rate": False, "open_rate": None, "click_rate": None, "conversion_rate": False,
        "unsubscribe_rate": None, "romi": False,
    }  # fmt: skip
    assert world.call("accounts.update_settings", body={"kpi_targets": {"open_rate": 2}}).refused == [
        "kpi_targets.open_rate"
    ]


def test_what_rounds_up_to_its_target_has_missed_it(world: World) -> None:
    launched("Nearly", 100_000, 100_000, 24_996, 5_000, 499)
    launched("Too many", 100_000, 100_000, 25_000, 5_000, 500)

    found = {one["name"]: one for one in report(world, "get_kpis")["campaigns"]}
    too_many, nearly = found["Too many"], found["Nearly"]
    (opens,) = [kpi for kpi in nearly["kpis"] if kpi["name"] == "open_rate"]
    assert (opens["value"], opens["target"], opens["met"]) == (0.25, 0.25, False)
    assert (met(nearly["kpis"])["unsubscribe_rate"], met(too_many["kpis"])["unsubscribe_rate"]) == (True, False)


def test_trending_is_ranked_by_what_is_sure(world: World) -> None:
    launched("Good", 10_000, 9_900, 3_300, 500, 10, sold=150)
    launched("Lucky", 4, 4, 4, 4, sold=4)
    launched("Unsure", 101, 101, 34, 5, sold=1)  # the same rates of fewer people
    launched("Annoying", 10_000, 9_900, 3_300, 500, 500, sold=150)

    found = report(world, "list_trending", limit="4")

    assert [row["name"] for row in found["campaigns"]] == ["Good", "Unsure", "Annoying", "Lucky"]
    assert [row["rank"] for row in found["campaigns"]] == [1, 2, 3, 4]
    scores = [row["score"] for row in found["campaigns"]]
    assert 100 > scores[0] > scores[1] > scores[2] and scores[3] == 100
    assert (found["campaign_count"], found["complete"]) == (4, True)


def test_a_report_of_many_campaigns_takes_a_handful_of_reads(world: World) -> None:
    for number in range(30):
        launched(f"Campaign {number}", 100, 90, 30, 3)
    report(world, "list_trending")  # the settings and the credential are known from here on

    with reads() as made:
        assert len(report(world, "get_kpis")["campaigns"]) == 30

    assert sorted(made) == ["BatchGetItem", "BatchGetItem", "Query", "UpdateItem"]  # the last counts the request


def test_campaigns_side_by_side(world: World) -> None:
    first = launched("First", 10_000, 9_800, 2_000, 300, 20, sold=100, revenue=1_000_000, costs=50_000)
    better = launched("Better", 10_000, 9_800, 2_200, 300, 21, sold=3)
    small = launched("Small", 30, 30, 7, 0)

    found = world.call("reports.compare_campaigns", query={"ids": f"{first},{better}, {small},{first}"}).data

    assert [one["name"] for one in found["campaigns"]] == ["First", "Better", "Small"]
    shown = found["campaigns"][0]
    assert (shown["revenue"], shown["cost"], shown["return_on_investment"]) == (10_000, 500, 19.0)
    assert shown["rates"]["open_rate"] == {"value": 0.2041, "low": 0.1962, "high": 0.2122}
    sure = {(one["metric"], one["campaign_id"]) for one in found["differences"] if one["significant"]}
    assert sure == {("open_rate", better), ("conversion_rate", better)}
    tests = {(one["metric"], one["campaign_id"]): one["test"] for one in found["differences"]}
    assert (tests["open_rate", better], tests["click_rate", small]) == ("z", "fisher")
    (opens,) = [one for one in found["differences"] if (one["metric"], one["campaign_id"]) == ("open_rate", better)]
    assert (opens["baseline_id"], opens["difference"]) == (first, 0.0204)


def test_a_campaign_of_another_tenant_is_not_compared(world: World) -> None:
    mine, theirs = launched("Mine", 10, 10, 1, 1), launched("Theirs", 10, 10, 1, 1, tenant="ten_globex")
    assert world.call("reports.compare_campaigns", query={"ids": f"{mine},{theirs}"}).status == 404


def test_the_answer_for_a_hundred_thousand_recipients_is_a_few_reads(world: World) -> None:
    campaign = launched("Large", 100_000, 98_000, 30_000, 3_000, sold=1_000, revenue=5_000_000)
    settings.of(TENANT)
    world.call("campaigns.get_performance", path={"campaign_id": campaign})

    with reads() as made:
        found = world.call("campaigns.get_performance", path={"campaign_id": campaign}).data

    assert (found["sent"], found["conversions"], found["revenue"]) == (100_000, 1_000, 50_000)
    # The campaign, its sums, both rows of its roll-up, its links; and the count of requests.
    assert sorted(made) == ["BatchGetItem", "GetItem", "GetItem", "Query", "UpdateItem"]


def test_a_launch_is_listed_once_however_often_it_is_rolled_up(world: World) -> None:
    send = ids.new("snd")
    row = Send(
        *Send.key(TENANT, send), tenant=TENANT, send_id=send, campaign="cmp_1", account="ses", state="sent",
        audience={}, plan_shards=1, chunk_size=50, planned={0}, unknown_policy="never", grace_seconds=60,
        launched_at=MARCH, launch={"name": "Once"},
    )  # fmt: skip
    for minutes in (1, 2):
        rollups.store(TENANT, row, MARCH + timedelta(minutes=minutes))

    (one,) = rollups.launched(TENANT, MARCH, MARCH + timedelta(seconds=1), 10)
    assert (one.name, one.as_of) == ("Once", MARCH + timedelta(minutes=2))
    assert rollups.launched(TENANT, MARCH - timedelta(days=1), MARCH, 10) == []
    assert rollups.launched(TENANT, MARCH + timedelta(seconds=1), MARCH + timedelta(days=1), 10) == []


def test_more_openings_than_deliveries_are_compared_too(world: World) -> None:
    """Delivery events come late or never; an opening says nothing of them."""
    first, second = launched("First", 2, 1, 2, 2), launched("Second", 2, 1, 1, 1)

    reply = world.call("reports.compare_campaigns", query={"ids": f"{first},{second}"})

    assert reply.status == 200
    assert reply.data["campaigns"][0]["rates"]["open_rate"]["high"] == 1.0


@pytest.mark.parametrize("end", ["0001-01-05", "9999-12-31"])
def test_a_period_beyond_the_calendar_is_refused(world: World, end: str) -> None:
    assert world.call("reports.get_kpis", query={"end_date": end}).status == 422


def test_conversions_are_the_same_in_every_report(world: World) -> None:
    campaign = launched("Eid", 100, 90, 30, 10)
    for value, currency in ((2500, "USD"), (2500, "USD"), (700, "EUR")):
        transaction = Transaction()
        economics.add_conversion(transaction, TENANT, campaign, value, currency)
        transaction.commit()

    shown = world.call("campaigns.get_performance", path={"campaign_id": campaign}).data
    (kpis,) = report(world, "get_kpis")["campaigns"]

    (rate,) = [kpi["value"] for kpi in kpis["kpis"] if kpi["name"] == "conversion_rate"]
    assert (shown["conversions"], shown["conversion_rate"], rate) == (3, 0.03, 0.03)
