"""A sending identity on the deployed stack: set up, verified, sent from, and paused when too much of it bounces."""

import secrets

from infra.local.stack import Stack
from tests.stack.company import Company, until
from tests.stack.provider import Provider

# More recipients than the campaign's limit of a day, so that it is still being sent when its bounces are counted.
MANY, A_DAY, GONE = 260, 250, 40


def test_an_identity_from_its_dns_records_to_a_bounce_storm(
    stack: Stack, shop: Company, mail_provider: Provider
) -> None:
    domain = f"shop-{secrets.token_hex(4)}.example"
    mail_provider.ask("PUT", "/config", {"ses": {"verify_at_once": False}})
    try:
        identity = shop.post("/v1/sending-identities", {"name": domain})
    finally:
        mail_provider.ask("PUT", "/config", {"ses": {"verify_at_once": True}})
    where = f"/v1/sending-identities/{identity['id']}"
    assert identity["state"] == "pending"
    assert shop.get(f"{where}/dns")["ready"] is False
    records = [
        {"name": record["name"], "type": record["type"], "values": [record["value"]]} for record in identity["records"]
    ]
    mail_provider.ask("PUT", "/dns", {"records": records})
    assert shop.get(f"{where}/dns")["ready"] is True
    mail_provider.ask("POST", "/verify", {"identity": domain})
    assert shop.post(f"{where}/refresh")["state"] == "verified"

    campaign = shop.campaign("Storm", sender_email=f"news@{domain}", limits={"per_day": A_DAY})

    people = [f"bounce-{number}@people.example.com" for number in range(GONE)]
    send = shop.send(campaign, people + [f"here-{number}@people.example.com" for number in range(MANY - GONE)])

    shown = until(
        "the campaign paused", lambda: shop.get(f"/v1/campaigns/{campaign}"), lambda now: now["status"] == "paused"
    )
    assert shown["reason"] == "reputation"
    mail = mail_provider.ask("GET", f"/mailbox/{mail_provider.mails(send)[0]['id']}.json")
    assert (mail["tenant"], mail["configuration_set"]) == (shop.tenant, identity["configuration_set"])
    assert mail_provider.truth(send)["accepted"] <= A_DAY
    reputation = shop.get(f"{where}/reputation")
    assert (reputation["sending"], reputation["figure"]["level"]) == ("paused", "critical")
    assert reputation["figure"]["bounced"] <= GONE
    again = shop.api.post(f"/v1/campaigns/{shop.campaign('More', sender_email=f'news@{domain}')}/launch")
    assert (again.status_code, again.json()["error_code"]) == (422, "CAMPAIGN_NOT_READY")
    assert shop.api.post(f"/v1/campaigns/{campaign}/resume").status_code == 409

    assert shop.post(f"{where}/resume", {"override": True})["sending"] == "active"
    assert shop.post(f"/v1/campaigns/{campaign}/resume")["status"] == "sending"
