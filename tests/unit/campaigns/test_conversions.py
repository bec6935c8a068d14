"""Whose a purchase is, what is told of it, and what a campaign cost and earned."""

from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, ids, table
from drumbeat.accounts.settings import Settings
from drumbeat.activity.model import Timeline
from drumbeat.campaigns import conversions, economics
from drumbeat.campaigns.conversions import Conversion
from drumbeat.campaigns.economics import Sending, Sums
from drumbeat.campaigns.model import Campaign

from tests.world import World

TENANT = "ten_acme"
AT = datetime.fromisoformat("2026-03-20T10:00:00+00:00")


def contact(world: World, **fields: Any) -> str:
    return str(world.call("contacts.create_contact", body={"email": "buyer@town.example", **fields}).data["id"])


def campaign(world: World, **fields: Any) -> str:
    return str(world.call("campaigns.create_campaign", body={"name": "Eid", **fields}).data["id"])


def clicked(contact_id: str, campaign_id: str, before: timedelta, *, machine: bool = False) -> None:
    event_id = ids.new("evt")
    at = AT - before
    Timeline(
        *Timeline.key(TENANT, contact_id, at, event_id), event_id=event_id, name="email.clicked", at=at,
        campaign=campaign_id, machine=1 if machine else None, ttl=1_900_000_000,
    ).create()  # fmt: skip


def buy(world: World, contact_id: str, event: str = "order-1", value: float = 99.99) -> None:
    body = {
        "event_id": event, "name": "purchase", "contact_id": contact_id, "occurred_at": clock.iso(AT),
        "properties": {"value": value, "currency": "USD", "order_id": event},
    }  # fmt: skip
    world.call("activity.record_events", body=body)
    world.settle()


def told(world: World, event_type: str) -> list[Any]:
    return [frame["data"] for frame in world.published if frame["event_type"] == event_type]


def test_a_conversion_is_told_once_with_its_attribution(world: World) -> None:
    who = contact(world, external_id="cust_456")
    first, second, third = (campaign(world, name=name) for name in ("First", "Second", "Third"))
    clicked(who, first, timedelta(days=3))
    clicked(who, second, timedelta(days=2))
    clicked(who, third, timedelta(days=1), machine=True)
    clicked(who, first, timedelta(hours=5))
    clicked(who, second, timedelta(hours=1))

    buy(world, who)
    for _ in range(2):  # the queue and the bus tell it again
        conversions.credit(TENANT, who, "order-1", 9999, AT, "USD")
        world.settle()

    (converted,) = told(world, "marketing.customer.converted")
    assert converted == {
        "customer_id": "cust_456", "campaign_id": second, "conversion_type": "purchase", "value": 99.99,
        "currency": "USD",
        "attribution": {
            "first_touch": first, "last_touch": second, "model": "linear",
            "touches": [{"campaign_id": first, "value": 50}, {"campaign_id": second, "value": 49.99}],
        },
    }  # fmt: skip
    (tracked,) = told(world, "marketing.conversion.tracked")
    assert tracked == {
        **converted, "conversion_id": "order-1", "occurred_at": clock.iso(AT),
        "clicked_at": clock.iso(AT - timedelta(hours=1)),
    }  # fmt: skip
    assert (economics.of(TENANT, second), economics.of(TENANT, first)) == ({"USD": Sums(1, 9999, 0)}, {})


def test_the_lookback_window_is_the_campaigns_or_the_tenants(world: World) -> None:
    who = contact(world)

    def is_credited(order: str, days: float, own: int | None = None) -> bool:
        sent = campaign(world, name=order, lookback_days=own)
        clicked(who, sent, timedelta(days=days))
        return conversions.credit(TENANT, who, order, 500, AT) == sent

    assert not is_credited("tenants, too late", 7.1)
    assert is_credited("tenants", 6.9)
    world.call("accounts.update_settings", body={"lookback_days": 2})
    assert not is_credited("tenants own, too late", 6.8)
    assert is_credited("its own", 6.7, own=7)
    assert not is_credited("its own, too late", 1.5, own=1)
    assert told(world, "marketing.customer.converted") == []  # they leave with the stream, not before


def test_the_last_click_within_its_own_window_takes_it(world: World) -> None:
    who = contact(world)
    long, short = campaign(world, lookback_days=14), campaign(world, name="Short", lookback_days=1)
    clicked(who, long, timedelta(days=10))
    clicked(who, short, timedelta(days=2))

    assert conversions.credit(TENANT, who, "order-1", 500, AT) == long


def test_sums_are_those_of_the_rows(world: World) -> None:
    who, sent = contact(world), campaign(world)
    clicked(who, sent, timedelta(hours=1))
    orders = [(f"order-{number % 7}", 100 + number % 7) for number in range(21)]
    for event, value in orders:
        conversions.credit(TENANT, who, event, value, AT, "USD")
    conversions.credit(TENANT, who, "euro", 5, AT, "EUR")

    rows = list(table.rows(Conversion, Conversion.partition(TENANT, sent)))
    assert len(rows) == 8
    assert economics.of(TENANT, sent) == {
        "USD": Sums(7, sum(int(row.value) for row in rows if row.currency == "USD"), 0), "EUR": Sums(1, 5, 0),
    }  # fmt: skip
    shown = world.call("campaigns.get_performance", path={"campaign_id": sent}).data
    assert (shown["conversions"], shown["revenue"], shown["revenue_in_other_currencies"]) == (8, 7.21, {"EUR": 0.05})


def test_what_a_campaign_cost_and_earned(world: World) -> None:
    sent = campaign(world)
    path = {"campaign_id": sent}
    nothing = world.call("campaigns.get_performance", path=path).data
    ratios = ("cost", "cost_per_acquisition", "return_on_investment", "return_on_ad_spend", "revenue_per_email")
    assert [nothing[name] for name in ratios] == [0, 0, 0, 0, 0]

    world.call("accounts.update_settings", body={"email_price_per_thousand": 0.1})
    for _ in range(2):
        body, key = {"amount": 40.5, "note": "Design"}, {"Idempotency-Key": "design"}
        assert world.call("campaigns.record_cost", path=path, body=body, headers=key).status == 201
    world.call("campaigns.record_cost", path=path, body={"amount": -0.5})
    listed = world.call("campaigns.list_costs", path=path).data
    assert [(cost["amount"], cost["note"]) for cost in listed] == [(40.5, "Design"), (-0.5, None)]
    who = contact(world)
    clicked(who, sent, timedelta(hours=1))
    conversions.credit(TENANT, who, "order-1", 20_000, AT, "USD")

    shown = world.call("campaigns.get_performance", path=path).data
    assert (shown["cost"], shown["cost_by_source"]) == (40, {"email": 0, "other": 40})
    assert [shown[name] for name in ratios] == [40, 40.0, 4.0, 5.0, 0.0]
    assert world.call("campaigns.record_cost", path=path, body={"amount": 1}, tenant="globex").status == 404


def test_sending_costs_by_the_thousand() -> None:
    terms = Settings(email_price_per_thousand=0.1)
    assert economics.costs(Sending(sent=8_500), terms, Sums(0, 0, 5)) == {"email": 85, "other": 5}
    yen = Settings(currency="JPY", email_price_per_thousand=15.5)
    assert economics.costs(Sending(sent=8_500), yen, Sums())["email"] == 132


def test_a_campaigns_window_is_shown_and_checked(world: World) -> None:
    sent = campaign(world, lookback_days=3)
    assert Campaign.fetch(*Campaign.key(TENANT, sent)).lookback_days == 3  # type: ignore[union-attr]
    assert world.call("campaigns.get_campaign", path={"campaign_id": sent}).data["lookback_days"] == 3
    refused = world.call("campaigns.create_campaign", body={"name": "Long", "lookback_days": 31})
    assert refused.refused == ["lookback_days"]
