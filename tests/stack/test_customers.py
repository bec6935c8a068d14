"""The customer system on the deployed stack: profiles from its simulator, events over the real bus."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.local.simulators.customers import TOKEN
from infra.local.stack import Stack
from tests.stack.company import Company, founded, until
from tests.stack.provider import Provider


@pytest.fixture(scope="module")
def other(stack: Stack) -> Iterator[Company]:
    with founded(stack, "othercustomers") as made:
        yield made


def connected(shop: Company, provider: Provider, account: str, *customers: str) -> None:
    """A tenant whose customers are in its system: the same ids in each."""
    where = str(provider.http.base_url).rstrip("/")
    body = {"base_url": f"{where}/cx/{shop.tenant}", "token": TOKEN, "events_account": account}
    reply = shop.api.put("/v1/customer-system", json=body)
    assert reply.status_code == 200, reply.text
    told = [
        {
            "id": one, "email": f"{one}@{shop.tenant.replace('_', '-')}.example", "firstName": shop.tenant,
            "preferences": {"emailOptIn": True, "smsOptIn": False, "pushOptIn": False, "frequency": "daily"},
            "attributes": {"plan": "pro"}, "updatedAt": "2026-01-01T00:00:00Z",
        }
        for one in customers
    ]  # fmt: skip
    provider.ask("PUT", f"/cx/{shop.tenant}/customers", told)


def told(stack: Stack, source: str, kind: str, **data: Any) -> None:
    """Put an event on the bus, as the other system does."""
    at = datetime.now(UTC).isoformat()
    detail = {"event_type": kind, "version": "1.0", "timestamp": at, "data": data}
    entry = {"Source": source, "DetailType": kind, "Detail": json.dumps(detail), "EventBusName": stack.bus}
    with closing(stack.client("events")) as events:
        assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0


def one(shop: Company, customer: str) -> Any:
    return next(iter(shop.get("/v1/contacts", external_id=customer)["items"]), None)


def arrived(shop: Company, provider: Provider, people: list[str]) -> None:
    """Wait until the customers are contacts, read in one request, and what waited for them is done."""
    found = until("the last customer", lambda: one(shop, people[-1]))
    assert (found["first_name"], found["consent"]["email"]["status"]) == (shop.tenant, "granted")
    asked = provider.ask("GET", f"/cx/{shop.tenant}/asked")
    assert asked == [{"tenant": shop.tenant, "ids": people, "batch": True}]
    until("what waited", lambda: shop.get(f"/v1/contacts/{people[0]}/timeline")["items"])


def withdrawn(stack: Stack, shop: Company, customer: str) -> None:
    """The customer withdraws at the other system, and it is known here."""
    told(stack, f"customers.{shop.tenant}", "customer.consent.revoked", id=customer)
    until(
        "the withdrawal", lambda: one(shop, customer)["consent"]["email"]["status"], lambda now: now == "revoked"
    )  # fmt: skip


def test_profiles_come_in_one_request_and_a_withdrawal_stops_a_running_send(
    stack: Stack, shop: Company, other: Company, mail_provider: Provider
) -> None:
    with closing(stack.client("sts")) as sts:
        account = sts.get_caller_identity()["Account"]
    people = [f"c{number}" for number in range(8)]
    for tenant in (shop, other):
        connected(tenant, mail_provider, account, *people)
        events = [{"name": "signed_in", "external_id": one} for one in people]
        assert tenant.post("/v1/events", {"events": events})["waiting"] == len(people)
    for tenant in (shop, other):
        arrived(tenant, mail_provider, people)

    campaign = shop.campaign("To customers", limits={"per_minute": 1})
    shop.post(f"/v1/campaigns/{campaign}/launch")
    shop.post(f"/v1/campaigns/{campaign}/pause")
    send = shop.get(f"/v1/campaigns/{campaign}")["send_id"]
    gone = {mail["to"][0] for mail in mail_provider.mails(send)}
    left = [customer for customer in people if one(shop, customer)["email"] not in gone]
    assert left, "the send was over before anybody could withdraw"
    withdrawn(stack, other, left[0])  # the same id of another tenant
    for customer in left[1:]:
        withdrawn(stack, shop, customer)
    shop.post(f"/v1/campaigns/{campaign}/resume")
    shop.closed(campaign, len(people))

    mailed = {mail["to"][0] for mail in mail_provider.mails(send)}
    assert mailed == gone | {one(shop, left[0])["email"]}
    assert one(shop, left[0])["consent"]["email"]["status"] == "granted"
