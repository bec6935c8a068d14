"""Marketing campaigns: who decides, what may start under them, what they cost and what they bring."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity.model import Timeline
from drumbeat.campaigns import conversions
from drumbeat.errors import Forbidden
from drumbeat.marketing import model, planning, rules
from drumbeat.marketing.model import MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignChange, NewSpend

from tests.unit.accounts.people import bearer, person
from tests.unit.campaigns.conftest import Shop
from tests.unit.mail import Provider

EID = {
    "name": "Eid Collection Launch",
    "campaign_type": "acquisition",
    "objective": "sales",
    "budget": 100,
    "starts_at": "2024-04-10T00:00:00Z",
    "ends_at": "2099-04-25T23:59:59Z",
    "channels": ["email", "social_media"],
}


class Umbrella:
    """A marketing campaign, as a client knows it."""

    def __init__(self, shop: Shop, **fields: Any) -> None:
        self.world = shop.world
        self.made = self.world.call("marketing.create_marketing_campaign", body={**EID, **fields}).data
        self.id = str(self.made["id"])

    def do(self, what: str, **request: Any) -> Any:
        return self.world.call(f"marketing.{what}", path={"marketing_campaign_id": self.id}, **request)

    def status(self) -> str:
        return str(self.do("get_marketing_campaign").data["status"])


def test_it_runs_only_after_a_second_person_approved_it(shop: Shop) -> None:
    world = shop.world
    world.call("accounts.update_settings", body={"campaign_approval": True})
    first, second = (person(world, f"{name}@acme.example", "admin") for name in ("ann", "ben"))
    made = world.call(
        "marketing.create_marketing_campaign", tenant=None, headers=bearer(first.token()), body=EID
    ).data  # fmt: skip
    path = {"marketing_campaign_id": made["id"]}
    campaign = shop.campaign(marketing_campaign_id=made["id"])

    def approve(who: Any) -> Any:
        return world.call("marketing.approve_marketing_campaign", tenant=None, headers=bearer(who.token()), path=path)

    refused = shop.do("launch", campaign)
    own = approve(first)
    approved = approve(second)

    assert made["status"] == "draft"
    assert (refused.status, refused.body["error_code"]) == (409, "MARKETING_CAMPAIGN_NOT_RUNNING")
    assert own.status == 403
    assert (approved.data["status"], approved.data["approved_by"]) == ("active", second.id)
    assert shop.do("launch", campaign).status == 200
    # More money than was approved is a draft again, and whoever asked for it does not approve it.
    raised = world.call(
        "marketing.update_marketing_campaign", tenant=None, headers=bearer(second.token()), path=path,
        body={"budget": 500},
    ).data  # fmt: skip
    assert (raised["status"], raised["approved_by"]) == ("draft", None)
    assert approve(second).status == 403


def test_what_is_under_it_follows_its_pause_resume_and_cancel(shop: Shop, mails: Provider) -> None:
    umbrella = Umbrella(shop)
    shop.contact("ann@town.example")
    running, waiting = (shop.campaign(marketing_campaign_id=umbrella.id, name=name) for name in ("Now", "Later"))
    by_hand = shop.campaign(marketing_campaign_id=umbrella.id, name="By hand")
    for campaign in (running, by_hand):
        shop.do("launch", campaign)
    shop.do("pause", by_hand)

    for _ in range(2):  # repeated, it changes nothing more
        assert umbrella.do("pause_marketing_campaign").data["status"] == "paused"
    assert shop.status(running) == "paused"
    assert shop.do("launch", waiting).body["error_code"] == "MARKETING_CAMPAIGN_NOT_RUNNING"
    shop.world.settle()
    assert mails.addresses() == []

    assert umbrella.do("resume_marketing_campaign").data["status"] == "active"
    shop.world.settle()
    assert (shop.status(running), shop.status(by_hand)) == ("sent", "paused")
    assert mails.addresses() == ["ann@town.example"]

    assert umbrella.do("cancel_marketing_campaign").data["status"] == "cancelled"
    assert (shop.status(running), shop.status(by_hand), shop.status(waiting)) == ("sent", "cancelled", "cancelled")


def test_a_launch_that_the_budget_does_not_cover_is_refused(shop: Shop) -> None:
    shop.world.call("accounts.update_settings", body={"email_price_per_thousand": 1000})  # 1 a mail
    umbrella = Umbrella(shop, budget=3)
    shop.contact("ann@town.example")
    first, second = (shop.campaign(marketing_campaign_id=umbrella.id, name=name) for name in ("One", "Two"))
    shop.launch(first)
    umbrella.do("record_spend", body={"amount": 1.5, "category": "ads"})

    refused = shop.do("launch", second)
    umbrella.do("update_marketing_campaign", body={"budget": 4})

    assert (refused.status, refused.body["error_code"]) == (409, "BUDGET_EXCEEDED")
    assert shop.do("launch", second).status == 200


def test_what_is_being_sent_is_counted_against_the_budget(shop: Shop) -> None:
    shop.world.call("accounts.update_settings", body={"email_price_per_thousand": 1000})  # 1 a mail
    umbrella = Umbrella(shop, budget=3)
    for name in ("ann", "ben"):
        shop.contact(f"{name}@town.example")
    first, second = (shop.campaign(marketing_campaign_id=umbrella.id, name=name) for name in ("One", "Two"))

    assert shop.do("launch", first).status == 200
    refused = shop.do("launch", second)  # nothing has left yet, but two of the three are taken

    assert (refused.status, refused.body["error_code"]) == (409, "BUDGET_EXCEEDED")


def test_of_two_launches_at_once_the_second_looks_at_the_budget_again(shop: Shop) -> None:
    umbrella = Umbrella(shop)
    shop.contact("ann@town.example")
    campaign = shop.campaign(marketing_campaign_id=umbrella.id)
    events = table.connection().connection.client.meta.events

    def other_launch(**_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", unique_id="other-launch")
        MarketingCampaign.change_at(*MarketingCampaign.key("ten_acme", umbrella.id), MarketingCampaign.launches.set(1))

    events.register("before-call.dynamodb.TransactWriteItems", other_launch, unique_id="other-launch")
    replies = [shop.do("launch", campaign).status for _ in range(2)]

    assert replies == [409, 200]


def test_a_purchase_in_another_currency_counts_and_is_no_revenue_in_this_one(shop: Shop) -> None:
    umbrella = Umbrella(shop)
    campaign = shop.campaign(marketing_campaign_id=umbrella.id)
    buyer, at = shop.contact("ann@town.example", attributes={"city": "Dhaka"}), clock.business()
    Timeline(
        *Timeline.key("ten_acme", buyer, at, "evt_1"), event_id="evt_1", name="email.clicked", at=at,
        campaign=campaign, ttl=1_900_000_000,
    ).create()  # fmt: skip

    assert conversions.credit("ten_acme", buyer, "order-1", 500, at, "EUR") == campaign

    found = umbrella.do("get_analytics").data
    assert (found["overview"]["conversions"], found["overview"]["revenue"]) == (1, 0)
    assert found["audience_insights"]["geographic_performance"] == {"Dhaka": {"conversions": 1, "revenue": 0}}


def test_a_campaign_without_an_audience_goes_to_its_marketing_campaigns(shop: Shop) -> None:
    shop.segment("Town")
    umbrella = Umbrella(
        shop, target_audience={"segments": ["town"], "demographics": {"age_range": [18, 45], "locations": ["Dhaka"]}}
    )
    for name, age, city in (("ann", 31, "Dhaka"), ("old", 70, "Dhaka"), ("far", 31, "Sylhet")):
        shop.contact(f"{name}@town.example", attributes={"age": age, "city": city})
    shop.world.settle()
    made = {"name": "Eid", "template_id": shop.template(), "marketing_campaign_id": umbrella.id}
    campaign = str(shop.world.call("campaigns.create_campaign", body=made).data["id"])

    shop.launch(campaign)

    assert shop.mails.addresses() == ["ann@town.example"]


def test_a_target_audience_that_no_criteria_can_say_is_refused_by_name(shop: Shop) -> None:
    body = {**EID, "target_audience": {"demographics": {"age_range": "young"}}}

    refused = shop.world.call("marketing.create_marketing_campaign", body=body)

    assert (refused.status, set(refused.refused)) == (422, {"target_audience.demographics"})


def test_spend_is_written_once_for_an_idempotency_key(shop: Shop) -> None:
    """Also when the first reply was lost before it was kept: the time of the second request is another one."""
    umbrella = Umbrella(shop)
    body = {"amount": 12.5, "category": "other"}
    campaign = model.get("ten_acme", umbrella.id)

    reply = umbrella.do("record_spend", body=body, headers={"Idempotency-Key": "bill-1"})
    later = clock.business() + timedelta(minutes=1)
    again = planning.record_spend(campaign, reply.data["id"], NewSpend(amount=12.5, category="other"), "key:x", later)

    assert again.spend_id == reply.data["id"]
    assert [row["amount"] for row in umbrella.do("list_spend").data] == [12.5]


def test_the_currency_stays_once_money_was_written_down(shop: Shop) -> None:
    umbrella = Umbrella(shop)
    report = {"channel": "social_media", "date": "2026-11-02", "revenue": 100}
    umbrella.do("report_channel", body=report)

    refused = umbrella.do("update_marketing_campaign", body={"currency": "JPY", "budget": 100})

    assert (refused.status, refused.refused) == (422, ["currency"])


def test_nobody_approves_an_own_change_because_somebody_else_changed_it_as_well(shop: Shop) -> None:
    shop.world.call("accounts.update_settings", body={"campaign_approval": True})
    campaign, now = model.get("ten_acme", Umbrella(shop).id), clock.business()
    for who, change in (("usr_ann", {"budget": 5000}), ("usr_ben", {"channels": ["email"]})):
        planning.revise(campaign, MarketingCampaignChange.model_validate(change), who, now)

    for who in ("usr_ann", "usr_ben"):
        with pytest.raises(Forbidden):
            planning.approve(campaign, who, now)
    assert planning.approve(campaign, "usr_cat", now).approved_by == "usr_cat"


def test_the_analytics_add_up_what_its_campaigns_and_channels_brought(shop: Shop) -> None:
    world = shop.world
    world.call("accounts.update_settings", body={"email_price_per_thousand": 5000})  # 5 a mail
    segment = shop.segment("Buyers of Dhaka", logic="AND", conditions=[
        {"field": "attributes.city", "operator": "equals", "value": "Dhaka"}
    ])  # fmt: skip
    umbrella = Umbrella(
        shop, performance_goals={"target_conversions": 1, "target_revenue": 1000, "slogan": "Eid Mubarak"},
        target_audience={"segments": ["buyers_of_dhaka"]},
    )  # fmt: skip
    buyer = shop.contact("buyer@town.example", attributes={"city": "Dhaka", "age": 31, "gender": "female"})
    shop.contact("other@town.example")
    shop.launch(shop.campaign(marketing_campaign_id=umbrella.id))
    mail = next(mail for mail in shop.mails.mails() if mail["to"] == ["buyer@town.example"])
    token, link = next(link for link in mail["links"] if "/c/" in link).split("/c/")[1].split("?")[0].split("/")
    world.call("tracking.follow_link", tenant=None, path={"token": token, "link": link},
               headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/127.0"})  # fmt: skip
    world.settle()
    order = {"event_id": "o1", "name": "purchase", "contact_id": buyer, "properties": {"value": 300, "order_id": "1"}}
    world.call("activity.record_events", body=order)
    world.settle()
    umbrella.do("record_spend", body={"amount": 20, "category": "ads", "channel": "social_media"})
    for reach in (9000, 700):  # reported again, the day's figures are replaced
        report = {"channel": "social_media", "date": "2026-11-02", "reach": reach, "conversions": 2, "revenue": 100}
        umbrella.do("report_channel", body=report)

    found = umbrella.do("get_analytics").data
    listed = world.call("marketing.list_marketing_campaigns").data

    overview = found["overview"]
    assert (overview["conversions"], overview["revenue"], overview["spent"]) == (3, 400, 30)
    assert (overview["unique_clicks"], overview["budget_left"]) == (1, 70)
    assert overview["cost_per_acquisition"] == 10.0
    assert (overview["return_on_ad_spend"], overview["return_on_investment"]) == (13.3333, 12.3333)
    assert found["channel_performance"]["email"] == {
        "reach": 0, "clicks": 1, "conversions": 1, "revenue": 300, "spent": 10,
    }  # fmt: skip
    assert found["channel_performance"]["social_media"]["reach"] == 700
    assert [(goal["goal"], goal["met"]) for goal in found["goals"]] == [
        ("target_conversions", True), ("target_revenue", False)
    ]  # fmt: skip
    insights = found["audience_insights"]
    assert insights["top_performing_segments"] == [
        {"segment_id": segment, "segment_name": "Buyers of Dhaka", "conversions": 1, "revenue": 300}
    ]
    assert insights["geographic_performance"] == {"Dhaka": {"conversions": 1, "revenue": 300}}
    assert insights["demographic_breakdown"]["age_range"] == {"25-34": {"conversions": 1, "revenue": 300}}
    assert listed["summary"] == {
        "currency": "USD", "total_budget": 100, "total_spent": 30, "total_revenue": 400, "overall_roi": 12.3333,
    }  # fmt: skip
    assert listed["items"][0]["performance"]["conversions"] == 3


@pytest.mark.parametrize(
    ("month", "state", "expected"),
    [
        ("2024-03", "approved", "scheduled"), ("2024-05", "approved", "active"), ("2024-07", "approved", "completed"),
        ("2024-07", "paused", "completed"), ("2024-05", "paused", "paused"), ("2024-07", "draft", "draft"),
        ("2024-07", "cancelled", "cancelled"),
    ],
)  # fmt: skip
def test_the_status_follows_from_the_dates_and_what_was_decided(month: str, state: str, expected: str) -> None:
    campaign = MarketingCampaign(
        *MarketingCampaign.key("ten_acme", "mkt_1"),
        state=state,
        starts_at=datetime(2024, 4, 1, tzinfo=UTC),
        ends_at=datetime(2024, 6, 1, tzinfo=UTC),
    )

    assert rules.status(campaign, datetime.fromisoformat(f"{month}-15T00:00:00+00:00")) == expected


def test_the_sme_platform_creates_starts_and_reads_a_campaign(shop: Shop) -> None:
    world = shop.world
    shop.template(name="summer-promo-2024", html=shop_html())
    shop.segment("new-customers")
    customer = shop.contact("new@town.example")
    poor = shop.contact("poor@town.example")
    for contact, value in ((customer, 2000), (poor, 10)):
        order = {"event_id": f"o-{contact}", "name": "purchase", "contact_id": contact, "properties": {"value": value}}
        world.call("activity.record_events", body=order)
    world.settle()
    body = {
        "tenantId": "ten_acme",
        "name": "Summer Promotion 2024",
        "type": "email",
        "targetAudience": {
            "segment": "new-customers", "filters": {"registrationDate": "2024-01-01", "minRevenue": 1000}
        },
        "content": {
            "subject": "Special Summer Offer!",
            "body": "Get 20% off on all services...",
            "template": "summer-promo-2024",
        },
        "scheduledAt": "2024-06-01T09:00:00.000Z",
        "createdBy": "user-uuid",
    }  # fmt: skip

    made = world.call("campaigns.create_campaign", route="POST /api/v1/campaigns", body=body)
    path = {"campaignId": made.data["id"]}
    expired = made.data["status"]
    started = world.call("campaigns.launch_campaign", route="PATCH /api/v1/campaigns/{campaignId}/start", path=path)
    world.settle()
    again = world.call("campaigns.launch_campaign", route="PATCH /api/v1/campaigns/{campaignId}/start", path=path)
    read = world.call(
        "campaigns.get_performance", route="GET /api/v1/campaigns/{campaignId}/analytics", path=path
    ).data  # fmt: skip

    assert (made.status, expired) == (201, "EXPIRED")
    assert (started.status, started.data["status"]) == (200, "RUNNING")
    assert again.status == 409
    (mail,) = shop.mails.mails()
    assert mail["to"] == ["new@town.example"]
    assert mail["subject"] == "Special Summer Offer!"
    assert "Get 20% off on all services..." in mail["html"]
    assert read["metrics"] == {
        "totalSent": 1, "totalOpened": 0, "totalClicked": 0, "totalConverted": 0,
        "openRate": 0.0, "clickRate": 0.0, "conversionRate": 0.0,
    }  # fmt: skip
    assert read["performance"] == {"costPerAcquisition": 0.0, "returnOnInvestment": 0.0, "revenueGenerated": 0}


def shop_html() -> str:
    return (
        '<h1>{{ first_name | default: "Hello" }}</h1><p>{{ body }}</p><p><a href="https://shop.example">Shop</a></p>'
        '<p>{{ postal_address }} <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
    )
