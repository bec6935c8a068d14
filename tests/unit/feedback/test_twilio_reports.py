"""A text message's way: out through Twilio, its reports back in, in any order and any number of times."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from drumbeat import table
from drumbeat.activity.model import Timeline
from drumbeat.contacts import suppressions
from drumbeat.sends.model import Stat

from infra.local.simulators.events import twilio as form_of
from infra.local.simulators.mailbox import Happening, Mail
from tests.clocks import Time, moved
from tests.twilio import FOOTER, PUBLIC, SID, Twilio, account, posted, signed, twilio
from tests.world import World

NUMBER = "+8801712345678"
RIGHT = {"sms": {"status": "granted", "source": "form", "method": "web"}}


@pytest.fixture
def there() -> Iterator[Twilio]:
    with twilio() as made, moved(Time()):
        yield made


def contact(world: World, phone: str = NUMBER, tenant: str = "acme", **fields: Any) -> str:
    body = {"phone": phone, "consent": RIGHT, **fields}
    return str(world.call("contacts.create_contact", tenant=tenant, body=body).data["id"])


def campaign(world: World, tenant: str = "acme", text: str = "Eid offers", **fields: Any) -> str:
    """Launch a campaign of text messages, and do all that follows from it."""
    body = {"name": "Eid", "channel": "sms", "text": text, "audience": {"everyone": True}, **fields}
    made = str(world.call("campaigns.create_campaign", tenant=tenant, body=body).data["id"])
    launched = world.call("campaigns.launch_campaign", tenant=tenant, path={"campaign_id": made})
    assert launched.status == 200, launched.text
    world.settle()
    return made


def send_of(world: World, made: str, tenant: str = "acme") -> Any:
    send = world.call("campaigns.get_campaign", tenant=tenant, path={"campaign_id": made}).data["send_id"]
    return world.call("sends.get_send", tenant=tenant, path={"send_id": send}).data


def stats(world: World, made: str, tenant: str = "acme") -> dict[str, int]:
    """The sizes of a send's sets."""
    send = world.call("campaigns.get_campaign", tenant=tenant, path={"campaign_id": made}).data["send_id"]
    sizes: dict[str, int] = {}
    for shard in range(16):
        for item in table.connection(Stat).query(f"STAT#ten_{tenant}#{send}#{shard}", consistent_read=True)["Items"]:
            for name, members in Stat.sets_of(item).items():
                sizes[name] = sizes.get(name, 0) + len(members)
    return sizes


def told(contact_id: str, tenant: str = "acme") -> list[str]:
    """The names of what is on a contact's timeline, oldest first."""
    return [row.name for row in table.rows(Timeline, Timeline.partition(f"ten_{tenant}", contact_id))]


def report(world: World, mail: Mail, url: str, status: str, code: str = "", **more: str) -> Any:
    """One report of a message, signed."""
    said = form_of(mail, Happening("Send", mail.to, mail.at), SID) | {"MessageStatus": status, "SmsStatus": status}
    said |= {**({"ErrorCode": code} if code else {}), **more}
    return posted(world, url, urlencode(said).encode(), signed(url, said))


def test_out_and_back(world: World, there: Twilio) -> None:
    account(world)
    who = contact(world)
    made = campaign(world, text="ঈদ মোবারক {{ first_name | default: 'friend' }} 🎉")

    assert there.sent == [(NUMBER, f"ঈদ মোবারক friend 🎉\n{FOOTER}")]
    assert [reply.status for reply in there.reports(world)] == [200, 200, 200]
    world.settle()
    assert stats(world, made)["delivered"] == 1
    assert told(who) == ["sms.sent", "sms.delivered"]
    published = [event["event_type"] for event in world.published]
    assert "marketing.sms.sent" in published
    assert "marketing.sms.delivered" in published


@pytest.mark.parametrize("order", [("queued", "sent", "delivered"), ("delivered", "sent", "queued")])
def test_reports_in_another_order_and_twice(world: World, there: Twilio, order: tuple[str, ...]) -> None:
    account(world)
    who = contact(world)
    made = campaign(world)
    [mail] = there.sim.mailbox.every()
    url = there.sim.callbacks_of[mail.message_id]
    for status in (*order, *order):
        assert report(world, mail, url, status).status == 200
        world.settle()
    found = stats(world, made)
    assert (found["processed"], found["delivered"]) == (1, 1)
    assert told(who) == ["sms.sent", "sms.delivered"]
    assert len([event for event in world.published if event["event_type"] == "marketing.sms.delivered"]) == 1


def test_a_report_that_comes_again_much_later_is_the_same_fact(world: World) -> None:
    time = Time()
    with twilio() as there, moved(time):
        account(world)
        who = contact(world)
        campaign(world)
        [mail] = there.sim.mailbox.every()
        url = there.sim.callbacks_of[mail.message_id]
        for _ in range(3):
            report(world, mail, url, "delivered")
            world.settle()
            time.passes(timedelta(hours=5))
        assert told(who) == ["sms.sent", "sms.delivered"]


def test_the_documented_report(world: World, there: Twilio) -> None:
    """integration-guide.md: POST /webhooks/twilio {MessageSid, MessageStatus, To, From}, of the default account; the
    message is known by its id alone."""
    made = account(world)
    world.run("providers.set_default_account", {"tenant": "ten_acme", "account_id": made["id"]})
    who = contact(world)
    sent = campaign(world)
    [mail] = there.sim.mailbox.every()
    said = {"MessageSid": mail.message_id, "MessageStatus": "delivered", "To": NUMBER, "From": "+15005550006"}
    url = f"{PUBLIC}/webhooks/twilio"

    assert posted(world, url, urlencode(said).encode(), signed(url, said)).status == 200
    headers = {**signed(url, said), "Content-Type": "application/json"}
    assert posted(world, url, json.dumps(said).encode(), headers).status == 200
    world.settle()
    assert stats(world, sent)["delivered"] == 1
    assert told(who) == ["sms.sent", "sms.delivered"]


def test_a_message_of_somebody_else_over_the_same_account(world: World, there: Twilio) -> None:
    made = account(world)
    who = contact(world)
    campaign(world)
    other = Mail("twilio", "SM" + "f" * 32, 0.0, "+15005550006", [NUMBER], "")
    assert report(world, other, made["callback_url"], "delivered").status == 200
    world.settle()
    assert told(who) == ["sms.sent"]


@pytest.mark.parametrize(("code", "reason", "suppressed"), [
    ("30005", "30005: unknown_number", "hard_bounce"), ("30007", "30007: filtered", None), ("", None, None),
    ("21610", "21610: opted_out", "unsubscribed"),
])  # fmt: skip
def test_messages_that_do_not_arrive(
    world: World, there: Twilio, code: str, reason: str | None, suppressed: str | None
) -> None:
    account(world)
    who = contact(world)
    made = campaign(world)
    [mail] = there.sim.mailbox.every()
    for _ in range(2):
        report(world, mail, there.sim.callbacks_of[mail.message_id], "undelivered", code)
        world.settle()
    assert stats(world, made)["failed"] == 1
    assert told(who) == ["sms.sent", "sms.failed"]
    row = list(table.rows(Timeline, Timeline.partition("ten_acme", who)))[-1]
    assert row.data["reason"] == reason
    held = suppressions.find("ten_acme", NUMBER)
    assert (held.reason if held else None) == suppressed
    consent = world.call("contacts.get_contact", path={"contact_id": who}).data["consent"]["sms"]["status"]
    assert consent == ("revoked" if suppressed == "unsubscribed" else "granted")


def test_delivered_after_all(world: World, there: Twilio) -> None:
    """Carriers report late: who got it, got it."""
    account(world)
    contact(world)
    made = campaign(world)
    [mail] = there.sim.mailbox.every()
    for status in ("undelivered", "delivered", "sent"):
        report(world, mail, there.sim.callbacks_of[mail.message_id], status)
        world.settle()
    world.settle()
    numbers = world.call("campaigns.get_performance", path={"campaign_id": made}).data
    assert numbers["delivered"] == 1


def test_an_account_tells_of_its_tenants_messages_only(world: World, there: Twilio) -> None:
    """Who knows the way of another tenant's message can sign it with the own token, and changes nothing."""
    account(world)
    other = account(world, "globex")
    who = contact(world)
    made = campaign(world)
    [mail] = there.sim.mailbox.every()
    named = there.sim.callbacks_of[mail.message_id].rpartition("/")[2]
    for url in (f"{other['callback_url']}/{named}", other["callback_url"]):
        assert report(world, mail, url, "delivered").status == 200
    world.settle()
    assert "delivered" not in stats(world, made)
    assert told(who) == ["sms.sent"]


def test_what_is_refused(world: World, there: Twilio) -> None:
    made = account(world)
    url = made["callback_url"]
    said = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    headers, body = signed(url, said), urlencode(said).encode()
    assert posted(world, url, body + b"x", headers).body["error_code"] == "BAD_SIGNATURE"
    assert posted(world, f"{PUBLIC}/webhooks/twilio/nobody", body, headers).status == 404
    assert posted(world, f"{PUBLIC}/webhooks/twilio", body, signed(f"{PUBLIC}/webhooks/twilio", said)).status == 404
    for odd in ({"MessageSid": "SM1"}, {"MessageSid": "SM1", "MessageStatus": "flown"}, {"MessageStatus": "sent"}):
        assert posted(world, url, urlencode(odd).encode(), signed(url, odd)).status == 400


def test_at_the_functions_own_url(world: World, there: Twilio) -> None:
    account(world, status_url="https://x.lambda-url.us-east-1.on.aws")
    who = contact(world)
    campaign(world)
    [mail] = there.sim.mailbox.every()
    url = there.sim.callbacks_of[mail.message_id]
    path = url.removeprefix("https://x.lambda-url.us-east-1.on.aws")
    said = form_of(mail, Happening("Delivery", mail.to, mail.at), SID)
    for address, status in ((url, 200), (f"{PUBLIC}{path}", 403)):
        event = {
            "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "",
            "headers": {name.lower(): value for name, value in signed(address, said).items()},
            "requestContext": {"http": {"method": "POST", "path": path, "sourceIp": "203.0.113.9"}},
            "body": urlencode(said), "isBase64Encoded": False,
        }  # fmt: skip
        assert world.run("feedback.receive_twilio_status", event)["statusCode"] == status
    world.settle()
    assert told(who) == ["sms.sent", "sms.delivered"]
