"""Campaigns over SendGrid: from the account's own domain, with our templates or SendGrid's, as the settings choose."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.providers import secrets
from drumbeat.sends import delivering, rollups, senders
from drumbeat.sends.model import Chunk, ChunkState, Send, SendState

from tests.sendgrid import refusal, signed
from tests.unit.providers.conftest import account, choose
from tests.world import World

PEOPLE = [{"email": f"p{number}@town.example", "first_name": f"Person {number}"} for number in range(3)]
SAID = {
    "name": "Offers", "subject": "Hi {{ first_name }}", "audience": {"everyone": True},
    "html": '<p>{{ first_name }} <a href="https://shop.example/eid">Eid</a></p>',
}  # fmt: skip
DYNAMIC = "d-0123456789abcdef0123456789abcdef"


@pytest.fixture
def sending(world: World) -> str:
    """acme's mail goes over an account at SendGrid; the id."""
    made = account(world)
    assert choose(world, made).status == 200
    return made


def launched(world: World, **changed: Any) -> Any:
    """A campaign that is sent to three people; as it is then."""
    made = world.call("campaigns.create_campaign", body={**SAID, **changed}).data["id"]
    world.call("campaigns.send_to_recipients", path={"campaign_id": made}, body=PEOPLE)
    rollups.forget()
    world.settle()
    return world.call("campaigns.get_campaign", path={"campaign_id": made}).data


def sends(world: World, campaign: Any) -> Send:
    send = Send.fetch(*Send.key("ten_acme", campaign["send_id"]))
    assert send is not None
    return send


def test_a_campaign_goes_over_the_chosen_account(world: World, sending: str) -> None:
    campaign = launched(world)

    (body,) = world.sendgrid.mails
    assert campaign["status"] == "sent" and sends(world, campaign).account == sending
    assert body["from"] == {"email": "news@acme.example", "name": "Acme"}
    assert sorted(one["to"][0]["email"] for one in body["personalizations"]) == [one["email"] for one in PEOPLE]
    first = body["personalizations"][0]
    assert first["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["custom_args"].keys() == {"send", "chunk", "attempt", "i", "contact"}
    assert any(value.startswith("Person") for value in first["substitutions"].values())
    recipients = world.call("campaigns.list_recipients", path={"campaign_id": campaign["id"]}).data["items"]
    assert {one["outcome"] for one in recipients} == {"sent"}


def test_a_template_of_sendgrids_own(world: World, sending: str) -> None:
    """The documented request; the data are what our templates may say."""
    campaign = launched(world, html=None, subject=None, provider_template=DYNAMIC, content={"code": "EID"})

    (body,) = world.sendgrid.mails
    assert (campaign["provider_template"], body["template_id"]) == (DYNAMIC, DYNAMIC)
    assert "content" not in body and "subject" not in body
    assert body["tracking_settings"]["click_tracking"]["enable"] is True
    data = next(
        one["dynamic_template_data"] for one in body["personalizations"] if one["to"][0]["email"].startswith("p1@")
    )
    assert (data["first_name"], data["code"]) == ("Person 1", "EID")
    assert data["unsubscribe_url"].startswith("https://track.example/u/") and data["postal_address"]
    assert "open_url" not in data


@pytest.mark.parametrize("template", [{}, {"html": None, "subject": None, "provider_template": DYNAMIC}])
def test_who_wants_no_tracking_is_not_tracked_by_sendgrid_either(world: World, template: dict[str, Any]) -> None:
    choose(world, account(world, config={"tracking": "sendgrid"}))
    for number, tracking in enumerate((True, False)):
        person = {"email": f"p{number}@town.example", "tracking": tracking, "consent": {"email": {"status": "granted"}}}
        assert world.call("contacts.create_contact", body=person).status == 201
    launched(world, **template)

    found = {
        one["to"][0]["email"]: {what["enable"] for what in body["tracking_settings"].values()}
        for body in world.sendgrid.mails for one in body["personalizations"]
    }  # fmt: skip
    assert (found["p0@town.example"], found["p1@town.example"]) == ({True}, {False})


def test_ses_knows_no_template_of_sendgrids(world: World) -> None:
    made = world.call("campaigns.create_campaign", body={**SAID, "provider_template": DYNAMIC}).data["id"]
    reply = world.call("campaigns.launch_campaign", path={"campaign_id": made})
    assert (reply.status, reply.refused) == (422, ["provider_template"])
    sms = {"name": "x", "channel": "sms", "text": "Hi", "provider_template": DYNAMIC}
    assert world.call("campaigns.create_campaign", body=sms).refused == ["provider_template"]


def test_the_sender_must_be_of_the_accounts_domain(world: World, sending: str) -> None:
    made = world.call("campaigns.create_campaign", body={**SAID, "sender_email": "news@company.com"}).data["id"]
    reply = world.call("campaigns.launch_campaign", path={"campaign_id": made})
    assert (reply.status, reply.refused) == (422, ["sender_email"])
    assert "acme.example" in reply.body["error"]["details"][0]["message"]
    assert world.sendgrid.asked == []


def test_no_identity_at_ses_is_needed_where_ses_does_not_send(world: World) -> None:
    made = account(world, config={"sender_domain": "elsewhere-verified.example"})
    sender = {"sender_email": "news@elsewhere-verified.example"}
    choose(world, made)
    assert launched(world, **sender)["status"] == "sent"

    choose(world, made, "ses")  # which would have to send it, too
    campaign = world.call("campaigns.create_campaign", body={**SAID, **sender}).data["id"]
    assert world.call("campaigns.launch_campaign", path={"campaign_id": campaign}).refused == ["sender_email"]


def test_a_refused_account_pauses_the_send(world: World, sending: str) -> None:
    world.sendgrid.answers.append(refusal(403, "The from address does not match a verified Sender Identity."))
    campaign = launched(world)
    assert (campaign["status"], campaign["reason"]) == ("paused", "provider_refused:sender_not_verified")
    assert sends(world, campaign).state == SendState.PAUSED


def test_the_one_bad_address_is_found(world: World, sending: str) -> None:
    """SendGrid refuses the whole request for one: it is halved until the bad one stands alone."""
    world.sendgrid.refused = {"p1@town.example"}
    campaign = launched(world)
    shown = world.call("campaigns.list_recipients", path={"campaign_id": campaign["id"]}).data["items"]
    assert sorted(one["outcome"] for one in shown) == ["not_sent", "sent", "sent"]
    (rejected,) = [one for one in shown if one["outcome"] == "not_sent"]
    assert (rejected["email"], rejected["reason"]) == ("p1@town.example", "rejected_by_provider")


def test_credentials_that_cannot_be_read_leave_nobody_in_doubt(world: World, sending: str) -> None:
    """Nothing was sent, and that is known: whoever never sends again after a doubt sends when they are back."""
    world.call("accounts.update_settings", body={"unknown_policy": "never"})
    held = secrets.of("ten_acme", sending, 1)
    secrets.delete("ten_acme", sending)
    with pytest.raises(AssertionError, match="deliver_chunk failed"):
        launched(world)
    (shown,) = world.call("campaigns.list_campaigns").data["items"]
    (chunk,) = table.rows(Chunk, f"CHUNK#ten_acme#{shown['send_id']}#0")

    assert chunk.state == ChunkState.PENDING and not chunk.in_doubt and not world.sendgrid.asked
    assert chunk.not_before > clock.business()
    secrets.put("ten_acme", sending, held)
    chunk.change(Chunk.not_before.remove())
    delivering.look_at(chunk.place)
    assert len(world.sendgrid.mails) == 1


def test_used_up_credits_hold_the_account_for_a_while(world: World, sending: str) -> None:
    """SendGrid tells nobody how many are left, so that an account that is asked knows no better than before."""
    world.sendgrid.answers.append(refusal(401, "Maximum credits exceeded"))
    campaign = launched(world)
    assert campaign["status"] == "sending"
    for _ in range(2):
        world.run("sends.sweep_sends", {})

    row = senders.get(sending)
    assert row.held_reason == senders.DAILY_QUOTA
    assert row.held_until is not None and row.held_until > clock.wall() + timedelta(minutes=10)


def test_a_test_mail_goes_over_the_chosen_account(world: World, sending: str) -> None:
    made = world.call("campaigns.create_campaign", body=SAID).data["id"]
    reply = world.call("campaigns.send_test", path={"campaign_id": made}, body={"emails": ["me@acme.example"]})
    assert reply.status == 200, reply.text
    (body,) = world.sendgrid.mails
    assert body["subject"].startswith("[Test]") and body["personalizations"][0]["custom_args"] == {"test": "1"}


def test_what_is_in_doubt_is_settled_by_sendgrids_events(world: World, sending: str) -> None:
    """The answer was 500, and the mails were accepted: their custom arguments come back."""
    world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": sending})
    world.sendgrid.answers.append(refusal(500, "Internal server error"))
    campaign = launched(world)
    (body,) = world.sendgrid.mails
    assert campaign["status"] == "sending"

    events = [
        {"event": "processed", "email": one["to"][0]["email"], "timestamp": int(time.time()), **one["custom_args"]}
        for one in body["personalizations"]
    ]
    raw = json.dumps(events).encode()
    for _ in range(2):
        posted = world.call("feedback.receive_sendgrid_webhook", tenant=None, body=raw, headers=signed(raw))
        assert posted.data == {"taken": 3}
    world.settle()
    for chunk in table.rows(Chunk, f"CHUNK#ten_acme#{campaign['send_id']}#0"):
        delivering.look_at(chunk.place)

    found = world.call("campaigns.list_recipients", path={"campaign_id": campaign["id"]}).data["items"]
    assert {one["outcome"] for one in found} == {"sent"} and len(world.sendgrid.asked) == 1
