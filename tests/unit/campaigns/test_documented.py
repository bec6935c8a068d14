"""The documents' requests, word for word, at their documented paths."""

import pytest
from drumbeat.sends.model import Place, Stat
from drumbeat.sends.totals import Totals

from tests.unit.campaigns.conftest import Shop

GETIT = "/api/v1/marketing"

EID = {
    "campaign_name": "Eid Special Offers",
    "subject_line": "🌙 Exclusive Eid Offers - Up to 50% Off!",
    "subject_line_bn": "🌙 বিশেষ ঈদ অফার - ৫০% পর্যন্ত ছাড়!",
    "sender_name": "GetIt Team",
    "sender_email": "offers@acme.example",
    "template_id": "template_uuid",
    "content": {
        "headline": "Celebrate Eid with Amazing Offers",
        "products": ["product_uuid1", "product_uuid2"],
        "cta_text": "Shop Now",
        "cta_link": "https://getit.com.bd/eid-offers",
    },
    "send_type": "scheduled",
    "scheduled_time": "2024-04-15T09:00:00Z",
    "target_segments": ["segment_uuid1", "segment_uuid2"],
}


@pytest.fixture
def getit(shop: Shop) -> Shop:
    """What the document's example assumes."""
    shop.template(
        name="template_uuid", html='<h1>{{ headline }}</h1><p><a href="https://getit.com.bd/eid">{{ cta_text }}</a></p>'
    )
    for name in ("segment_uuid1", "segment_uuid2"):
        shop.segment(name)
    for sku in ("product_uuid1", "product_uuid2"):
        body = {"sku": sku, "name": sku, "url": f"https://getit.com.bd/{sku}", "price": 1250}
        assert shop.world.call("products.create_product", body=body).status == 201
    return shop


def create(shop: Shop, body: object) -> object:
    return shop.world.call("campaigns.create_campaign", route=f"POST {GETIT}/email-campaigns", body=body)


def test_a_schedule_in_the_past_is_accepted_and_expires_visibly(getit: Shop) -> None:
    reply = create(getit, EID)

    assert reply.status == 201  # type: ignore[attr-defined]
    made = reply.body  # type: ignore[attr-defined]
    assert made["campaign_name"] == "Eid Special Offers"
    assert made["subject_line_bn"] == EID["subject_line_bn"]
    assert made["status"] == "expired"
    assert getit.mails.addresses() == []


def test_the_documented_performance_has_every_number(getit: Shop) -> None:
    for number in range(4):
        getit.contact(f"p{number}@town.example")
    getit.world.settle()
    made = create(getit, {**EID, "send_type": "immediate", "scheduled_time": None})
    getit.world.settle()
    campaign = made.body["id"]  # type: ignore[attr-defined]
    send_id = getit.do("get", campaign).data["send_id"]
    key = Place("ten_acme", send_id, 0, 0).stat_key
    Stat.change_at(
        *key, Stat.delivered.add({0, 1, 2}), Stat.bounced.add({3}), Stat.opened.add({0, 1}), Stat.clicked.add({1})
    )

    Totals._get_connection().delete_item(*Totals.key("ten_acme", send_id))  # the last roll-up did not know of these
    reply = getit.world.call(
        "campaigns.get_performance", route=f"GET {GETIT}/email-campaigns/{{campaign_id}}/performance",
        path={"campaign_id": campaign},
    )  # fmt: skip

    assert reply.body == {
        "campaign_info": {
            "name": "Eid Special Offers", "sent_at": reply.body["campaign_info"]["sent_at"], "total_sent": 4
        },
        "delivery_metrics": {"delivered": 3, "bounced": 1, "delivery_rate": 0.75},
        "engagement_metrics": {
            "opened": 2, "clicked": 1, "unsubscribed": 0, "open_rate": 0.6667, "click_rate": 0.3333,
            "click_to_open_rate": 0.5,
        },
        "conversion_metrics": {"conversions": 0, "revenue": 0, "conversion_rate": 0.0, "revenue_per_email": 0.0},
        "top_performing_links": [
            {"url": f"https://getit.com.bd/{path}", "clicks": 0, "click_rate": 0.0}
            for path in ("eid", "product_uuid1", "product_uuid2")
        ],
    }  # fmt: skip


def test_the_documented_test_mail(getit: Shop) -> None:
    campaign = getit.campaign()

    reply = getit.world.call(
        "campaigns.send_test", route=f"POST {GETIT}/email-campaigns/{{campaign_id}}/test",
        path={"campaign_id": campaign},
        body={
            "test_emails": ["test@example.com", "marketing@company.com"],
            "test_data": {"customer_name": "John Doe", "personalized_products": [{"name": "Lamp"}]},
        },
    )  # fmt: skip

    assert reply.status == 200
    assert reply.body["sent_to"] == ["test@example.com", "marketing@company.com"]


def test_a_bad_documented_request_names_documented_fields(getit: Shop) -> None:
    reply = create(getit, {"subject_line": "", "sender_email": "nobody", "scheduled_time": "soon"})

    assert reply.status == 422  # type: ignore[attr-defined]
    assert set(reply.refused) >= {"campaign_name", "subject_line", "sender_email", "scheduled_time"}  # type: ignore[attr-defined]


def test_mcp_template_campaign_and_send(shop: Shop) -> None:
    world = shop.world
    template = world.call(
        "templates.create_template", route="POST /api/marketing/email/templates",
        body={
            "name": "Welcome Template",
            "subject": "Welcome to our platform!",
            "html_content": "<h1>Welcome {{first_name}}!</h1><p>We're excited to have you on board.</p>",
            "variables": ["first_name"],
            "category": "onboarding",
        },
    ).body  # fmt: skip
    campaign = world.call(
        "campaigns.create_campaign", route="POST /api/marketing/email/campaigns",
        body={
            "name": "Welcome Campaign",
            "template_id": template["template_id"],
            "subject_line": "Welcome to our platform!",
            "sender_name": "Marketing Team",
            "sender_email": "marketing@acme.example",
            "target_audience": {"user_type": "new"},
        },
    ).body  # fmt: skip
    assert campaign["target_audience"] == {"user_type": "new"}

    reply = world.call(
        "campaigns.send_to_recipients", route="POST /api/marketing/email/campaigns/{campaign_id}/send",
        path={"campaign_id": campaign["id"]}, body=[{"email": "john.doe@company.com", "name": "John Doe"}],
    )  # fmt: skip
    world.settle()

    assert reply.status == 200
    assert reply.body["recipients"] == 1
    (mail,) = shop.mails.mails()
    assert "Welcome John!" in mail["html"]
    assert "unsubscribe" in mail["html"].lower() and "1 Main Street" in mail["html"]


def test_a_purchase_after_a_click_is_the_campaigns(shop: Shop) -> None:
    contact = shop.contact("buyer@town.example")
    campaign = shop.campaign()
    shop.launch(campaign)
    (mail,) = shop.mails.mails()
    click = next(link for link in mail["links"] if "/c/" in link)
    token, link = click.split("/c/")[1].split("?")[0].split("/")
    shop.world.call("tracking.follow_link", tenant=None, path={"token": token, "link": link},
                    headers={"User-Agent": "Mozilla/5.0 (Windows NT 10.0) Firefox/127.0"})  # fmt: skip
    shop.world.settle()
    body = {
        "event_id": "o1",
        "name": "purchase",
        "contact_id": contact,
        "properties": {"value": 120.5, "order_id": "1"},
    }

    for _ in range(2):  # told twice, counted once
        shop.world.call("activity.record_events", body=body)
        shop.world.settle()

    results = shop.results(campaign)
    assert (results["clicked"], results["conversions"], results["revenue"]) == (1, 1, 120.5)
    assert results["revenue_per_email"] == 120.5
