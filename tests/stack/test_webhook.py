"""Messages to tenants' own systems on the deployed stack: two tenants, each with a receiver and a secret of its own."""

import base64
import json
import secrets
from typing import Any

from standardwebhooks.webhooks import Webhook

from infra.local.stack import Stack
from tests.stack.company import Company, founded
from tests.stack.provider import Provider

PEOPLE = [f"p{number}@people.example.com" for number in range(3)]
TEXT = '{"to":"{{ email }}"}'


def launched(shop: Company, provider: Provider, secret: str) -> str:
    """A campaign to the tenant's receiver, which has the tenant's name."""
    where = f"{str(provider.http.base_url).rstrip('/')}/hooks/{shop.tenant}"
    account = {"name": "Ours", "channel": "webhook", "provider": "https", "config": {"url": where, "per_second": 100}}
    made = shop.post("/v1/provider-accounts", {**account, "credentials": {"signing_secrets": secret}})
    shop.patch("/v1/settings", {"channels": {"webhook": {"account": made["id"]}}})
    for email in PEOPLE:
        shop.post("/v1/contacts", {"email": email})
    body = {"name": "To our system", "channel": "webhook", "text": TEXT, "audience": {"everyone": True}}
    campaign = str(shop.post("/v1/campaigns", body)["id"])
    shop.post(f"/v1/campaigns/{campaign}/launch")
    return campaign


def told(shop: Company, provider: Provider, secret: str) -> list[tuple[str, Any]]:
    """Ids and texts that the receiver took, with their signatures verified."""
    taken = provider.ask("GET", f"/hooks/{shop.tenant}/received")
    return [(one["headers"]["webhook-id"], Webhook(secret).verify(one["body"], one["headers"])) for one in taken]


def test_two_tenants_systems_get_each_message_once(stack: Stack, mail_provider: Provider) -> None:
    """Also when a receiver is busy at first."""
    shops: dict[Company, str] = {}
    with (
        founded(stack, f"hookone{secrets.token_hex(3)}") as one,
        founded(stack, f"hooktwo{secrets.token_hex(3)}") as two,
    ):
        for shop in (one, two):
            shops[shop] = f"whsec_{base64.b64encode(secrets.token_bytes(24)).decode()}"
        mail_provider.fail({"operation": "ReceiveHook", "kind": "429", "count": 2})
        try:
            campaigns = {shop: launched(shop, mail_provider, secret) for shop, secret in shops.items()}
            for shop, campaign in campaigns.items():
                shop.finished(campaign)
            assert mail_provider.struck() == {"429": 2}
        finally:
            mail_provider.behave()

        for shop, secret in shops.items():
            found = told(shop, mail_provider, secret)
            assert sorted(body["to"] for _, body in found) == PEOPLE
            rows = shop.all(f"/v1/campaigns/{campaigns[shop]}/recipients")
            assert {row["message_id"]: row["outcome"] for row in rows} == {name: "sent" for name, _ in found}
            assert secret not in json.dumps(shop.get("/v1/provider-accounts"))
