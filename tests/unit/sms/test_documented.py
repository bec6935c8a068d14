"""getit-marketing.md, 4.3 and 7.2, word for word: the flash sale, what became of it, and its KPIs."""

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.sms.conftest import Texts
from tests.unit.sms.test_campaigns import LINK

BODY = {
    "campaign_name": "Flash Sale Alert",
    "message_content": "🔥 Flash Sale: 50% off Electronics! Only 2 hours left. Shop now: bit.ly/getit-flash",
    "message_content_bn": "🔥 ফ্ল্যাশ সেল: ইলেকট্রনিক্সে ৫০% ছাড়! মাত্র ২ ঘন্টা বাকি। এখনই কিনুন: bit.ly/getit-flash",
    "sender_id": "GetIt",
    "send_type": "immediate",
    "target_segments": ["high_value_customers"],
    "carrier_preference": "ssl_wireless",
}
AT = "/api/v1/marketing/sms-campaigns"
PHONES = ("+8801712345678", "+8801912345678", "+8801812345678", "+8801512345678")
BROWSER = {"user-agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0 Mobile"}


@pytest.fixture
def flash(texts: Texts) -> str:
    """The documented campaign, on its way to four carriers' numbers: three were delivered, one failed."""
    world = texts.world
    world.call("accounts.update_settings", body={"currency": "BDT", "sms_prices": [{"country": "BD", "price": 0.5}]})
    for place, phone in enumerate(PHONES):
        texts.contact(phone, language="bn" if place else "en", attributes={"city": "Dhaka"})
    criteria = {"logic": "AND", "conditions": [{"field": "city", "operator": "equals", "value": "Dhaka"}]}
    world.call("segments.create_segment", body={"name": "high_value_customers", "criteria": criteria})
    world.settle()
    made = world.call("campaigns.create_campaign", route=f"POST {AT}", body=BODY)
    assert (made.status, made.body["status"]) == (201, "sending"), made.text
    world.settle()
    sent = texts.sent()
    for phone in PHONES[:3]:
        texts.report(sent[phone], "delivered")
    texts.report(sent[PHONES[3]], "failed", "30003")
    texts.time.passes(timedelta(minutes=5))
    return str(made.body["campaign_id"])


def _asked(texts: Texts, campaign: str) -> dict[str, Any]:
    texts.world.settle()
    texts.time.passes(timedelta(minutes=1))
    path = {"campaign_id": campaign}
    reply = texts.world.call("campaigns.get_performance", route=f"GET {AT}/{{campaign_id}}/performance", path=path)
    assert reply.status == 200, reply.text
    return dict(reply.body)


def test_the_documented_campaign_and_its_performance(texts: Texts, flash: str) -> None:
    sent = texts.sent()
    assert sent[PHONES[0]]["text"].startswith("🔥 Flash Sale: 50% off Electronics! Only 2 hours left. Shop now: http")
    assert sent[PHONES[1]]["text"].startswith("🔥 ফ্ল্যাশ সেল: ইলেকট্রনিক্সে ৫০% ছাড়! মাত্র ২ ঘন্টা বাকি। এখনই কিনুন: http")
    for phone in (PHONES[0], PHONES[0], PHONES[1]):
        _, token, number = LINK.search(sent[phone]["text"]).groups()  # type: ignore[union-attr]
        path = {"token": token, "link": number}
        led = texts.world.call("tracking.follow_link", tenant=None, path=path, headers=BROWSER)
        assert led.headers["Location"] == "https://bit.ly/getit-flash"
    body = {"phone_number": PHONES[2], "opt_out_reason": "not_interested"}
    out = texts.world.call("contacts.create_unsubscribe", route=f"POST {AT}/opt-out", body=body)
    assert (out.status, out.body["phone_number"], out.body["campaign_id"]) == (200, PHONES[2], flash)

    shown = _asked(texts, flash)
    info = shown["campaign_info"]
    assert (info["name"], info["sent_at"][:16], info["total_sent"]) == ("Flash Sale Alert", "2026-03-02T09:00", 4)
    assert shown["delivery_metrics"] == {"delivered": 3, "failed": 1, "delivery_rate": 0.75}
    engaged = shown["engagement_metrics"]
    assert (engaged["clicks"], engaged["click_rate"], engaged["opt_outs"]) == (2, 0.6667, 1)
    assert shown["carrier_distribution"] == {"Grameenphone": 1, "Banglalink": 1, "Robi": 1, "Teletalk": 1}
    costs = shown["cost_analysis"]
    # Each has an emoji, so seventy characters a part: two parts with the short link.
    assert (costs["parts"], costs["total_cost"], costs["cost_per_sms"], costs["cost_per_click"]) == (8, 4.0, 1.0, 2.0)
    _delivery_status(texts, flash)
    _kpis(texts)


def _delivery_status(texts: Texts, flash: str) -> None:
    route, path = f"GET {AT}/{{campaign_id}}/delivery-status", {"campaign_id": flash}
    for phone in (PHONES[0], PHONES[0].replace("+", " ")):
        shown = texts.world.call("campaigns.get_delivery_status", route=route, path=path, query={"phone": phone}).body
        assert (shown["phone"], shown["status"], shown["carrier"]) == (PHONES[0], "delivered", "Grameenphone")
        assert (shown["parts"], shown["cost"], shown["error"]) == (2, 1.0, None)
    failed = texts.world.call("campaigns.get_delivery_status", route=route, path=path, query={"phone": PHONES[3]}).body
    assert failed["status"] == "undelivered" and "30003" in failed["error"]


def _kpis(texts: Texts) -> None:
    """Text messages have targets of their own."""
    period = {"start_date": "2026-03-01", "end_date": "2026-03-03"}
    report = texts.world.call("reports.get_kpis", query=period).data
    judged = {kpi["name"]: (kpi["value"], kpi["target"], kpi["met"]) for kpi in report["overall_sms"]}
    assert judged == {
        "delivery_rate": (0.75, 0.98, False), "click_rate": (0.6667, 0.1, True), "opt_out_rate": (0.3333, 0.01, False),
        "response_rate": (0.0, 0.15, False), "cost_per_conversion": (0.0, None, None), "romi": (-1.0, 4.0, False),
    }  # fmt: skip
    assert all(kpi["met"] is None for kpi in report["overall"] if kpi["name"] != "romi")
    (only,) = report["campaigns"]
    assert (only["channel"], {kpi["name"] for kpi in only["kpis"]}) == ("sms", set(judged))


def test_what_it_brought_counts_under_its_marketing_campaign(texts: Texts) -> None:
    world = texts.world
    world.call("accounts.update_settings", body={"currency": "BDT", "sms_prices": [{"country": "BD", "price": 0.5}]})
    texts.contact(PHONES[0])
    body = {
        "name": "Eid", "campaign_type": "acquisition", "objective": "sales", "budget": 1, "currency": "BDT",
        "starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z", "channels": ["sms"],
    }  # fmt: skip
    umbrella = world.call("marketing.create_marketing_campaign", body=body)
    assert umbrella.status == 201, umbrella.text
    under = {"marketing_campaign_id": umbrella.data["id"]}
    world.call("marketing.approve_marketing_campaign", path=under)
    dear = texts.campaign("x" * 320, **under)
    refused = world.call("campaigns.launch_campaign", path={"campaign_id": dear})
    assert refused.body["error_code"] == "BUDGET_EXCEEDED", refused.text
    made = texts.campaign("Hi", **under)
    texts.launch(made)
    texts.report(texts.sent()[PHONES[0]], "delivered")
    texts.world.settle()
    texts.time.passes(timedelta(minutes=2))
    shown = world.call("marketing.get_analytics", path=under).data["channel_performance"]["sms"]
    assert (shown["reach"], shown["spent"]) == (1, 0.5)
