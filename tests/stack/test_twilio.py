"""Text messages on the deployed stack: out through Twilio, its reports and people's answers back in."""

import json
import secrets
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from infra.local import fixtures
from infra.local.stack import Stack
from tests.stack.company import Company, founded, until
from tests.stack.provider import Provider

RIGHT = {"sms": {"status": "granted", "source": "form", "method": "web"}}
# The tests run at any hour of the day.
ANY_HOUR = {"quiet_hours": {"sms": {"country_rules": False, "override": "nobody is behind these numbers"}}}


class Texting:
    """A tenant that texts: over an account of its own."""

    def __init__(self, stack: Stack, shop: Company, provider: Provider) -> None:
        self.stack, self.shop, self.provider = stack, shop, provider
        self.account = fixtures.twilio_account(stack, shop.api)
        shop.patch("/v1/settings", ANY_HOUR)

    def people(self, number: int) -> list[str]:
        """New contacts who agreed to text messages; gives their numbers."""
        first = 8801700000000 + secrets.randbelow(90_000_000)
        phones = [f"+{first + place}" for place in range(number)]
        for phone in phones:
            self.shop.post("/v1/contacts", {"phone": phone, "consent": RIGHT})
        return phones

    def launch(self, text: str) -> str:
        """Text to everyone; gives the campaign."""
        body = {"name": text, "channel": "sms", "text": text, "audience": {"everyone": True}}
        made = str(self.shop.post("/v1/campaigns", body)["id"])
        self.shop.post(f"/v1/campaigns/{made}/launch")
        self.shop.finished(made)
        return made

    def send_of(self, campaign: str) -> str:
        return str(self.shop.get(f"/v1/campaigns/{campaign}")["send_id"])

    def said(self, phone: str, text: str, url: str | None = None) -> Any:
        """Somebody texts to the account; gives what came of it."""
        asked = {"from": phone, "body": text, "url": url or f"{self.account['callback_url']}/messages"}
        return self.provider.ask("POST", "/inbound", asked)

    def consent(self, phone: str) -> str:
        [found] = self.shop.get("/v1/contacts", phone=phone)["items"]
        return str(found["consent"]["sms"]["status"])


def test_out_and_back_with_two_tenants(stack: Stack, mail_provider: Provider) -> None:
    """The same people are contacts of both; who texts STOP to one gets the other's messages still."""
    with (
        founded(stack, f"east{secrets.token_hex(3)}") as east,
        founded(stack, f"west{secrets.token_hex(3)}") as west,
    ):
        here, there = Texting(stack, east, mail_provider), Texting(stack, west, mail_provider)
        phones = here.people(4)
        for phone in phones:
            west.post("/v1/contacts", {"phone": phone, "consent": RIGHT})
        campaign = here.launch("ঈদ মোবারক 🎉")

        truth = mail_provider.truth(here.send_of(campaign))
        assert (truth["accepted"], truth["duplicates"], truth["addresses"]["accepted"]) == (4, 0, sorted(phones))
        until("all delivered", lambda: east.results(campaign), lambda now: now["delivered"] == 4)

        answer = here.said(phones[0], "Stop")
        assert answer["status"] == 200
        assert len(answer["messages"]) == 1
        assert (here.consent(phones[0]), there.consent(phones[0])) == ("revoked", "granted")
        assert here.said(phones[1], "When do you open?")["messages"] == []
        until("the reply is counted", lambda: _sets(stack, here, campaign), lambda sets: sets.get("replied") == 1)

        again, other = here.launch("Once more"), there.launch("From the west")
        assert mail_provider.truth(here.send_of(again))["addresses"]["accepted"] == sorted(phones[1:])
        assert mail_provider.truth(there.send_of(other))["accepted"] == 4
        assert len(here.said(phones[0], "START")["messages"]) == 1
        assert here.consent(phones[0]) == "granted"


def _sets(stack: Stack, texting: Texting, campaign: str) -> dict[str, int]:
    """The sizes of the sets of a send's stats."""
    sizes: dict[str, int] = {}
    for shard in range(16):
        found = stack.client("dynamodb").query(
            TableName=stack.table, KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"STAT#{texting.shop.tenant}#{texting.send_of(campaign)}#{shard}"}},
        )  # fmt: skip
        for item in found["Items"]:
            for name, value in item.items():
                sizes[name] = sizes.get(name, 0) + len(value.get("NS", ()))
    return sizes


def test_answers_got_lost(stack: Stack, mail_provider: Provider) -> None:
    """Twilio is asked: nobody twice, and it is known long before the grace ends."""
    lost = [{"operation": "CreateMessage", "kind": kind, "count": 1} for kind in ("500_accepted", "reset_accepted")]
    with founded(stack, f"lost{secrets.token_hex(3)}") as shop:
        texting = Texting(stack, shop, mail_provider)
        phones = texting.people(4)
        mail_provider.fail(*lost)
        try:
            campaign = texting.launch("Lost and found")
            assert mail_provider.struck() == {fault["kind"]: 1 for fault in lost}
        finally:
            mail_provider.behave()
        truth = mail_provider.truth(texting.send_of(campaign))
        assert (truth["accepted"], truth["duplicates"], truth["addresses"]["accepted"]) == (4, 0, sorted(phones))
        settled = shop.get(f"/v1/sends/{texting.send_of(campaign)}")["settled"]
        assert settled["by_asking"] + settled["by_events"] == len(lost)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_the_documented_report(stack: Stack, acme: Company, mail_provider: Provider, kind: str) -> None:
    """integration-guide.md: POST /webhooks/twilio {MessageSid, MessageStatus, To, From}, of the default account, which
    is the local tenant's. Unsigned and forged ones change nothing."""
    phone = f"+{8801600000000 + secrets.randbelow(90_000_000)}"
    acme.post("/v1/contacts", {"phone": phone, "consent": RIGHT, "attributes": {"town": phone}})
    mail_provider.script({"match": phone.removeprefix("+"), "outcome": "none"})  # Twilio itself reports nothing more
    acme.patch("/v1/settings", ANY_HOUR)
    try:
        body = {"name": phone, "channel": "sms", "text": "Documented", "audience": {"filters": {"town": phone}}}
        campaign = str(acme.post("/v1/campaigns", body)["id"])
        acme.post(f"/v1/campaigns/{campaign}/launch")
        acme.finished(campaign)
    finally:
        acme.patch("/v1/settings", {"quiet_hours": {}})
        mail_provider.behave()
    [message] = mail_provider.ask("GET", "/mailbox.json", to=phone)["mails"]
    said = {"MessageSid": message["id"], "MessageStatus": "delivered", "To": phone, "From": message["from"]}
    text = json.dumps(said) if kind == "application/json" else urlencode(said)
    url = f"{stack.api_url}/webhooks/twilio"
    signed = httpx.post(stack.sign_url, json={"provider": "twilio", "url": url, "body": text}, timeout=10).json()

    def post(body: str, headers: dict[str, str]) -> int:
        return httpx.post(url, content=body, headers={**headers, "Content-Type": kind}, timeout=30).status_code

    assert post(text, {}) == 403
    assert post(text.replace("delivered", "failed"), signed["headers"]) == 403
    assert post(text, signed["headers"]) == 200
    until("delivered", lambda: acme.results(campaign), lambda now: now["delivered"] == 1)
