"""Campaigns to the tenant's own systems."""

import json
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from tests.clocks import Time
from tests.internet import Asked, Internet, answer, internet
from tests.unit.channels.conftest import Office
from tests.unit.channels.test_webhook import SECRET

URL = "https://hooks.acme.example/messages"


def told(outside: Internet) -> list[Any]:
    """What receivers that check signatures read."""
    return [Webhook(SECRET).verify(asked.body, asked.headers) for asked in outside.asked]


@pytest.fixture
def hooked(office: Office) -> Office:
    office.account("webhook", "https", {"url": URL, "per_second": 100}, {"signing_secrets": SECRET})
    return office


def test_without_a_text_a_request_says_what_it_is_about(hooked: Office) -> None:
    person = hooked.contact(external_id='1"2', first_name="Ada")
    with internet() as outside:
        campaign = hooked.launched("webhook")

    (row,) = hooked.recipients(campaign).values()
    assert row["outcome"] == "sent"
    assert told(outside) == [{
        "type": "message", "message_id": row["message_id"], "contact_id": person, "external_id": '1"2',
        "campaign_id": campaign, "journey_id": None, "step": None,
    }]  # fmt: skip
    assert outside.asked[0].headers["webhook-id"] == row["message_id"]
    assert next(one["name"] for one in hooked.timeline(person)) == "webhook.sent"


def test_what_a_contact_says_is_data_and_no_structure(hooked: Office) -> None:
    hooked.contact(first_name='","admin":true,"x":"', attributes={"list": ["a", 1]})
    with internet() as outside:
        hooked.launched("webhook", text='{"name":"{{ first_name }}","list":{{ list | json }},"n":{{ no | json }}}')

    assert told(outside) == [{"name": '","admin":true,"x":"', "list": ["a", 1], "n": None}]


@pytest.mark.parametrize("text", ['{"a":{{ total_orders }}}', "Hi {{ first_name }}", '{"a":"{{ first_name }}"'])
def test_a_text_that_is_no_json_is_not_launched(hooked: Office, text: str) -> None:
    body = {"name": "Eid", "channel": "webhook", "audience": {"everyone": True}, "text": text}
    made = hooked.call("campaigns.create_campaign", body=body).data["id"]
    refused = hooked.call("campaigns.launch_campaign", path={"campaign_id": made})

    assert (refused.status, refused.refused) == (422, ["text"])
    assert "| json" in refused.text


@pytest.mark.parametrize(
    "field", [{"subject": "x"}, {"notification": {"link": "shop://x"}}, {"media_urls": ["https://x.example/"]}]
)
def test_what_the_channel_cannot_say_is_refused(hooked: Office, field: dict[str, Any]) -> None:
    refused = hooked.call("campaigns.create_campaign", body={"name": "Eid", "channel": "webhook", **field})

    assert (refused.status, refused.refused) == (422, list(field))


def test_a_receiver_that_fails_gets_the_same_message_again_and_shows_it_once(hooked: Office, time: Time) -> None:
    for n in range(3):
        hooked.contact(external_id=str(n))
    answers = iter([429, 500, 503])

    with internet(lambda asked: answer(next(answers, 200))) as outside:
        campaign = hooked.launched("webhook")
        hooked.later(minutes=10)
        hooked.later(hours=3)

    kept = {asked.headers["webhook-id"]: json.loads(asked.body)["external_id"] for asked in outside.asked}
    assert sorted(kept.values()) == ["0", "1", "2"]
    assert len(outside.asked) == 6
    assert {row["outcome"] for row in hooked.recipients(campaign).values()} == {"sent"}


def test_a_receiver_that_wants_no_more_pauses_the_send(hooked: Office) -> None:
    hooked.contact(external_id="1")
    with internet(lambda asked: answer(410)) as outside:
        campaign = hooked.launched("webhook")
        hooked.world.settle()

    paused = hooked.call("campaigns.get_campaign", path={"campaign_id": campaign}).data
    assert (paused["status"], paused["reason"]) == ("paused", "provider_refused:http_410")
    assert len(outside.asked) == 1


def test_an_account_is_checked_and_its_address_is_no_inner_one(office: Office) -> None:
    body = {"name": "x", "channel": "webhook", "provider": "https", "config": {"url": "https://localhost/"}}
    refused = office.call("providers.create_account", body={**body, "credentials": {"signing_secrets": SECRET}})
    assert (refused.status, refused.refused) == (422, ["config.url"])

    def turned_away(asked: Asked) -> bytes:
        return answer(401)

    made = office.account("webhook", "https", {"url": URL}, {"signing_secrets": SECRET})
    with internet(turned_away) as outside:
        checked = office.call("providers.check_account", path={"account_id": made})
    assert checked.data == {"works": False, "message": "The receiver answered 401, not 2xx."}
    assert outside.asked[0].body == b'{"type":"ping"}'
