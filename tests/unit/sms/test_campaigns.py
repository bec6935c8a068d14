"""Campaigns of text messages, from the plan to the figures."""

import re
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import table
from drumbeat.sends.model import Chunk, Outcome

from tests.unit.sms.conftest import Texts

BANGLA = "🔥 ফ্ল্যাশ সেল: ইলেকট্রনিক্সে ৫০% ছাড়! মাত্র ২ ঘন্টা বাকি। এখনই কিনুন: bit.ly/getit-flash"
GRAMEEN, ROBI, AMERICAN = "+8801712345678", "+8801812345678", "+12025550123"
LINK = re.compile(r"(\S+)/c/([\w-]{20})/(\d+)")


def test_a_campaign_is_previewed_and_costs_what_was_said(texts: Texts) -> None:
    texts.contact(GRAMEEN, language="bn")
    texts.contact(ROBI, first_name="Rina" * 40)
    texts.contact(AMERICAN)
    texts.contact("+8801912345678", consent=None)
    texts.contact("+8801512345678", consent="revoked")
    made = texts.campaign(
        "Hi {{ first_name | default: 'there' }}, 50% off: bit.ly/getit-flash", texts={"bn": BANGLA}, purpose="marketing"
    )
    path = {"campaign_id": made}
    shown = texts.world.call("campaigns.preview_campaign", path=path, body={"language": "bn", "costs": True}).data
    assert (shown["cut"]["encoding"], len(shown["cut"]["parts"])) == ("UCS-2", 2)
    assert shown["text"].startswith("🔥 ফ্ল্যাশ সেল") and "".join(shown["cut"]["parts"]) == shown["text"]
    costs = shown["costs"]
    assert (costs["recipients"], costs["parts"], costs["fewest_parts"], costs["most_parts"]) == (3, 5, 1, 2)
    assert costs["not_sent_by_reason"] == {"no_consent": 1, "revoked": 1}
    assert costs["cost"] == pytest.approx(2 * 0.35 + 2 * 0.5 + 0.01, abs=0.005)


def test_what_was_sent_is_what_was_previewed(texts: Texts) -> None:
    texts.contact(GRAMEEN, language="bn")
    texts.contact(ROBI, first_name="Rina" * 40)
    texts.contact(AMERICAN)
    made = texts.campaign("Hi {{ first_name }}, 50% off: bit.ly/getit-flash", texts={"bn": BANGLA})
    path = {"campaign_id": made}
    costs = texts.world.call("campaigns.preview_campaign", path=path, body={"costs": True}).data["costs"]
    texts.launch(made)
    sent = texts.sent()
    assert set(sent) == {GRAMEEN, ROBI, AMERICAN}
    assert sent[GRAMEEN]["text"].startswith("🔥 ফ্ল্যাশ সেল: ইলেকট্রনিক্সে ৫০% ছাড়! মাত্র ২ ঘন্টা বাকি। এখনই কিনুন: ")
    assert {mail["from"] for mail in sent.values()} == {"GetIt"}
    assert all(LINK.search(mail["text"]) for mail in sent.values())

    found = texts.results(made)
    assert (found["channel"], found["sent"], found["parts"]) == ("sms", 3, costs["parts"])
    assert found["cost_by_source"] == {"sms": costs["cost"], "other": 0}
    assert found["cost"] == costs["cost"]
    assert [(row["country"], row["carrier"], row["sent"], row["parts"]) for row in found["by_destination"]] == [
        ("BD", "Grameenphone", 1, 2), ("BD", "Robi", 1, 2), ("US", "unknown", 1, 1)
    ]  # fmt: skip
    # A new table of prices is that of later campaigns.
    texts.world.call("accounts.update_settings", body={"sms_prices": []})
    assert texts.results(made)["cost"] == costs["cost"]


def test_reports_and_clicks_count_once(texts: Texts) -> None:
    texts.contact(GRAMEEN)
    texts.contact(ROBI)
    made = texts.campaign("50% off: https://shop.example/sale and https://shop.example/new")
    texts.launch(made)
    sent = texts.sent()
    texts.report(sent[GRAMEEN], "delivered", times=2)
    texts.report(sent[ROBI], "failed", "30005", times=2)
    texts.time.passes(timedelta(minutes=5))
    _, token, number = LINK.search(sent[GRAMEEN]["text"]).groups()  # type: ignore[union-attr]
    browser = {"user-agent": "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/124.0 Mobile"}
    for _ in range(2):
        path = {"token": token, "link": number}
        led = texts.world.call("tracking.follow_link", tenant=None, path=path, headers=browser)
        assert (led.status, led.headers["Location"]) == (302, "https://shop.example/sale")
    texts.world.settle()

    found = texts.results(made)
    names = ("delivered", "undelivered", "clicked", "opened", "delivery_rate", "click_rate", "cost_per_message")
    assert [found[name] for name in names] == [1, 1, 1, 0, 0.5, 1.0, 0.425]
    assert found["cost_per_click"] == 0.85
    assert [link["clicks"] for link in found["links"]] == [1, 0]
    asked = {"campaign_id": made}
    status = texts.world.call("campaigns.get_delivery_status", path=asked, query={"phone": ROBI.replace("+", " ")}).data
    assert (status["status"], status["carrier"], status["parts"], status["cost"]) == ("undelivered", "Robi", 1, 0.5)
    assert status["reason"] and [row["status"] for row in status["history"]] == ["sent", "undelivered"]
    stranger = texts.world.call("campaigns.get_delivery_status", path=asked, query={"phone": "+8801999999999"})
    assert stranger.status == 404


def test_of_whom_nobody_will_ever_know_it_does_not_say_that_nothing_was_sent(texts: Texts) -> None:
    person = texts.contact(GRAMEEN)
    made = {"campaign_id": texts.campaign("Hi")}
    send = texts.world.call("campaigns.launch_campaign", path=made).data["send_id"]
    texts.world.settle()
    rows = (row for shard in range(16) for row in table.rows(Chunk, f"CHUNK#ten_acme#{send}#{shard}"))
    next(rows).change(Chunk.outcomes.set(Outcome.GIVEN_UP))
    status = texts.world.call("campaigns.get_delivery_status", path=made, query={"contact_id": person}).data
    assert (status["status"], status["reason"], status["parts"]) == ("unknown", "outcome_unknown", None)


def test_what_the_channel_does_not_have_is_refused(texts: Texts) -> None:
    cases: list[tuple[dict[str, Any], set[str]]] = [
        ({"subject": "Hi", "sender_email": "a@acme.example"}, {"subject", "sender_email"}),
        ({"track_opens": True, "template_id": "tpl_1", "html": "x"}, {"track_opens", "template_id", "html"}),
        ({"sender_id": "Far too long a name"}, {"sender_id"}),
        ({"media_urls": ["http://shop.example/a.png"]}, {"media_urls[0]"}),
        ({"channel": "email", "sender_id": "GetIt", "texts": {"bn": "x"}}, {"sender_id", "texts"}),
        ({"channel": "pigeon"}, {"channel"}),
    ]
    for wanted, refused in cases:
        reply = texts.world.call("campaigns.create_campaign", body={"name": "Sale", "channel": "sms", **wanted})
        assert (reply.status, set(reply.refused)) == (422, refused)
    made = {"campaign_id": texts.campaign("Hi")}
    changed = texts.world.call("campaigns.update_campaign", path=made, body={"subject": "Hi"})
    assert (changed.status, changed.refused) == (422, ["subject"])
    named = texts.world.call("campaigns.send_to_recipients", path=made, body=[{"email": "ann@acme.example"}])
    assert (named.status, named.refused) == (422, ["body"])


def test_marketing_says_who_it_is_from_and_how_to_end_it(texts: Texts) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"text": None}, ["text"]),
        ({"sender_id": None}, ["sender_id", "text"]),
        ({"sender_id": "16263"}, ["text"]),
        ({"text": "x" * 1601}, ["text"]),
        ({"text": "Hi {{ first_name"}, ["text line 1"]),
    ]
    said = {"name": "Sale", "channel": "sms", "text": "50% off today", "sender_id": "GetIt"}
    for fields, missing in cases:
        body = {**said, "audience": {"everyone": True}, **fields}
        body = {name: value for name, value in body.items() if value is not None}
        made = str(texts.world.call("campaigns.create_campaign", body=body).data["id"])
        reply = texts.world.call("campaigns.launch_campaign", path={"campaign_id": made})
        assert (reply.body["error_code"], reply.refused) == ("CAMPAIGN_NOT_READY", missing)


def test_the_footer_is_part_of_the_text(texts: Texts) -> None:
    footer = {"en": "Reply STOP to end", "bn": "বন্ধ করতে STOP লিখুন"}
    texts.world.call("accounts.update_settings", body={"sms_footer": footer, "sms_sender_id": "16263"})
    made = texts.campaign("x" * 150, sender_id=None, texts={"bn": "ছাড়"}, purpose="marketing")
    path = {"campaign_id": made}
    shown = texts.world.call("campaigns.preview_campaign", path=path, body={}).data
    assert shown["text"].endswith("x\nReply STOP to end") and len(shown["cut"]["parts"]) == 2
    assert shown["sender_id"] == "16263"
    bangla = texts.world.call("campaigns.preview_campaign", path=path, body={"language": "bn-BD"}).data
    assert bangla["text"] == "ছাড়\nবন্ধ করতে STOP লিখুন"


def test_a_test_goes_to_telephones_and_is_not_counted(texts: Texts) -> None:
    made = texts.campaign("Hi {{ first_name }}: https://shop.example/sale", media_urls=["https://shop.example/a.png"])
    path = {"campaign_id": made}
    body = {"phones": ["01712345678", AMERICAN], "data": {"first_name": "Rina"}}
    shown = texts.world.call("campaigns.send_test", path=path, body=body).data
    assert [(row["phone"], row["sent"]) for row in shown] == [(GRAMEEN, True), (AMERICAN, True)]
    sent = texts.sent()[GRAMEEN]
    assert sent["text"] == "Hi Rina: https://shop.example/sale"
    assert ["MediaUrl", "https://shop.example/a.png"] in sent["headers"]
    for wrong, named in (({"emails": ["a@acme.example"]}, "emails"), ({}, "phones"), ({"phones": ["12"]}, "phones")):
        assert texts.world.call("campaigns.send_test", path=path, body=wrong).refused[0].startswith(named)


def test_two_tenants_with_the_same_telephone_number(texts: Texts) -> None:
    texts.settle_in("globex")
    texts.contact(GRAMEEN)
    texts.contact(GRAMEEN, tenant="globex")
    ours, theirs = texts.campaign("Hi from us"), texts.campaign("Hi from them", tenant="globex")
    out = texts.world.call("contacts.create_unsubscribe", body={"phone": GRAMEEN, "reason": "not_interested"}).data
    assert (out["address"], out["channel"], out["reason"]) == (GRAMEEN, "sms", "not_interested")
    texts.world.call("campaigns.update_campaign", path={"campaign_id": ours}, body={"purpose": "marketing"})
    texts.launch(ours)
    texts.launch(theirs, tenant="globex")
    assert [mail["text"] for mail in texts.simulator.mails()] == ["Hi from them"]
    assert texts.results(ours)["not_sent_by_reason"] == {"consent_revoked": 1}
    assert (
        texts.world.call("campaigns.get_delivery_status", path={"campaign_id": theirs}, query={"phone": GRAMEEN}).status
        == 404
    )


def test_an_opt_out_counts_once_for_the_campaign_that_was_the_last(texts: Texts) -> None:
    texts.contact(GRAMEEN)
    made = texts.campaign("Hi")
    texts.launch(made)
    for _ in range(2):
        out = texts.world.call("contacts.create_unsubscribe", body={"phone": GRAMEEN}).data
        assert out["campaign_id"] == made
    texts.world.settle()
    assert texts.results(made)["unsubscribed"] == 1


def test_a_number_that_nobody_has_is_honoured_when_somebody_comes(texts: Texts) -> None:
    for _ in range(2):
        assert texts.world.call("contacts.create_unsubscribe", body={"phone": GRAMEEN}).status == 201
    texts.contact(GRAMEEN)
    made = texts.campaign("Hi from Acme", purpose="marketing")
    texts.launch(made)
    assert texts.results(made)["not_sent_by_reason"] == {"suppressed": 1}
    assert texts.sent() == {}


def test_a_tenant_without_an_account_can_preview_and_is_told_what_to_do(texts: Texts) -> None:
    world = texts.world
    world.call("accounts.update_settings", body={"channels": {"sms": None}})
    texts.contact(GRAMEEN)
    made = {"campaign_id": texts.campaign("Hi")}
    assert world.call("campaigns.preview_campaign", path=made, body={"costs": True}).data["costs"]["cost"] == 0.35
    for verb, body in (("launch", None), ("schedule", {"scheduled_at": "2026-03-03T09:00:00Z"})):
        refused = world.call(f"campaigns.{verb}_campaign", path=made, body=body)
        assert (refused.status, refused.body["error_code"]) == (422, "NO_PROVIDER_ACCOUNT")


def test_a_schedule_whose_account_is_gone_says_so(texts: Texts) -> None:
    world = texts.world
    texts.contact(GRAMEEN)
    made = {"campaign_id": texts.campaign("Hi")}
    body = {"scheduled_at": "2026-03-02T10:00:00Z"}
    assert world.call("campaigns.schedule_campaign", path=made, body=body).data["status"] == "scheduled"
    world.call("accounts.update_settings", body={"channels": {"sms": None}})
    texts.time.passes(timedelta(hours=2))
    world.run("campaigns.sweep_schedules")
    world.settle()
    shown = world.call("campaigns.get_campaign", path=made).data
    assert shown["status"] == "draft" and "POST /v1/provider-accounts" in shown["reason"]


def test_a_copy_says_the_same(texts: Texts) -> None:
    made = texts.campaign(
        "Hi", texts={"bn": "ছাড়"}, media_urls=["https://shop.example/a.png"], carrier_preference="ssl_wireless"
    )
    path = {"campaign_id": made}
    copy = texts.world.call("campaigns.duplicate_campaign", path=path, body={}).data
    first = texts.world.call("campaigns.get_campaign", path=path).data
    names = ("channel", "text", "texts", "media_urls", "sender_id", "carrier_preference", "purpose")
    assert [copy[name] for name in names] == [first[name] for name in names]
    changed = {"sender_id": "16263", "media_urls": []}
    after = texts.world.call("campaigns.update_campaign", path=path, body=changed).data
    assert (after["sender_id"], after["media_urls"], after["carrier_preference"]) == ("16263", [], "ssl_wireless")


def test_a_paused_campaign_goes_on_where_it_was(texts: Texts) -> None:
    for phone in (GRAMEEN, ROBI, AMERICAN):
        texts.contact(phone)
    made = texts.campaign("Hi", limits={"per_minute": 1})
    texts.launch(made)
    path = {"campaign_id": made}
    assert texts.world.call("campaigns.pause_campaign", path=path).data["status"] == "paused"
    texts.time.passes(timedelta(minutes=10))
    texts.world.settle()
    assert len(texts.sent()) == 1
    texts.world.call("campaigns.resume_campaign", path=path, body={})
    for _ in range(3):
        texts.world.settle()
        texts.time.passes(timedelta(minutes=2))
    assert len(texts.simulator.mails()) == len(texts.sent()) == 3
