"""One tenant's mail goes over SendGrid, the other's over SES, on the same deployment; SendGrid reports to addresses of
its accounts, and to the documented one."""

import json
import secrets
import time
from typing import Any

import httpx

from infra.local import fixtures
from infra.local.stack import Stack
from tests.stack.company import Company, founded, until
from tests.stack.provider import Provider

OUTCOMES = {"bounce": "bounced", "complaint": "complained", "here": "delivered"}


def test_two_tenants_over_two_providers(stack: Stack, mail_provider: Provider) -> None:
    """Each has an account of the same name; the numbers are those of the simulator."""
    key = f"SG.{secrets.token_hex(8)}"
    with (
        founded(stack, f"north{secrets.token_hex(3)}") as north,
        founded(stack, f"south{secrets.token_hex(3)}") as south,
    ):
        account = fixtures.sendgrid_account(stack, north.api, credentials={"api_key": key})
        fixtures.sendgrid_account(stack, south.api, credentials={"api_key": f"{key}.other"})
        assert north.post(f"/v1/provider-accounts/{account['id']}/check")["works"] is True
        north.patch("/v1/settings", {"channels": {"email": {"account": account["id"]}}})
        fixtures.report_to(stack, key, account["callback_url"])
        mark = secrets.token_hex(3)
        people = [f"{kind}-{mark}-{number}@people.example.com" for kind in OUTCOMES for number in range(4)]

        sends = {shop: (campaign := shop.campaign("Two ways"), shop.send(campaign, people)) for shop in (north, south)}
        results = {shop: _settled(shop, campaign, len(people)) for shop, (campaign, _) in sends.items()}

        for company, provider in ((north, "sendgrid"), (south, "ses")):
            truth = mail_provider.truth(sends[company][1])
            assert (truth["accepted"], truth["duplicates"]) == (len(people), 0)
            assert {mail["provider"] for mail in mail_provider.mails(sends[company][1])} == {provider}
            assert (results[company]["bounced"], results[company]["complained"]) == (4, 4)
            assert company.suppressed(people[0]) == "hard_bounce" and company.consent(people[4]) == "revoked"
        shown = json.dumps(north.get(f"/v1/provider-accounts/{account['id']}"))
        assert key not in shown and south.api.get(f"/v1/provider-accounts/{account['id']}").status_code == 404


def _settled(shop: Company, campaign: str, people: int) -> Any:
    shop.finished(campaign)
    return until(
        f"{people} recipients told of", lambda: shop.results(campaign),
        lambda now: now["delivered"] + now["bounced"] == people and now["complained"] == 4,
    )  # fmt: skip


def test_the_documented_callback(stack: Stack, acme: Company) -> None:
    """integration-guide.md: POST /webhooks/sendgrid with event, email, timestamp and campaign_id, signed with the key
    of the deployment's default account, which the local tenant has. Forged and unsigned ones change nothing."""
    address = f"documented-{secrets.token_hex(3)}@people.example.com"
    campaign = acme.campaign("Documented")
    acme.send(campaign, [address])
    acme.finished(campaign)
    body = json.dumps([{"event": "opened", "email": address, "timestamp": int(time.time()), "campaign_id": campaign}])
    asked = {"provider": "sendgrid", "url": f"{stack.api_url}/webhooks/sendgrid", "body": body}
    signed = httpx.post(stack.sign_url, json=asked, timeout=10).json()["headers"]

    def post(text: str, headers: dict[str, str]) -> httpx.Response:
        return httpx.post(asked["url"], content=text, headers=headers, timeout=30)

    assert post(body, {}).status_code == 403
    assert post(body.replace("opened", "bounced"), signed).status_code == 403
    reply = post(body, signed)
    assert (reply.status_code, reply.json()["data"]) == (200, {"taken": 1})
    url = stack.callback_urls["feedback.receive_sendgrid_events"]
    assert httpx.post(url, content=body, headers=signed, timeout=30).status_code == 200

    # Nobody told of a program that shows mails, so it is a machine's.
    opened = until("the open", lambda: acme.results(campaign), lambda seen: seen["opened_by_machines"] == 1)
    assert opened["opened"] == 0
