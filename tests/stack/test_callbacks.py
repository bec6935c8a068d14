"""What comes from outside: signed reports of the provider, and what recipients do with the links of a mail."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.stack import Stack
from tests.stack.company import Company, until
from tests.stack.provider import provider

GONE, TAMPERED, STAYING, LEAVING = (f"customer-{name}@people.example.com" for name in ("gone", "true", "stays", "goes"))


@pytest.fixture(scope="module")
def mails(stack: Stack, shop: Company) -> Iterator[dict[str, Any]]:
    """A campaign that was sent to four people: their mails by address."""
    campaign = shop.campaign("Callbacks")
    send = shop.send(campaign, [GONE, TAMPERED, STAYING, LEAVING])
    shop.closed(campaign, 4)
    with provider(stack) as simulated:
        found = {mail["to"][0]: {**mail, "campaign": campaign} for mail in simulated.mails(send)}
    assert sorted(found) == sorted([GONE, TAMPERED, STAYING, LEAVING])
    yield found


def bounce(mail: Any) -> str:
    """SES's report that the mail's address does not exist."""
    tags = {name: [value] for name, value in mail["tags"].items()}
    address = mail["to"][0]
    return json.dumps({
        "eventType": "Bounce",
        "mail": {"timestamp": mail["at"], "messageId": mail["id"], "destination": [address], "tags": tags},
        "bounce": {
            "bounceType": "Permanent", "bounceSubType": "General", "timestamp": mail["at"],
            "bouncedRecipients": [
                {"emailAddress": address, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
            ],
        },
    })  # fmt: skip


def signed(stack: Stack, url: str, body: str) -> tuple[dict[str, str], str]:
    """Headers and body as SNS would post them."""
    reply = httpx.post(stack.sign_url, json={"provider": "ses", "url": url, "body": body}, timeout=20)
    assert reply.status_code == 200, reply.text
    return reply.json()["headers"], reply.json()["body"]


def test_a_signed_bounce_suppresses_the_address(stack: Stack, shop: Company, mails: dict[str, Any]) -> None:
    url = stack.callback_urls["feedback.receive_ses_events"]
    headers, body = signed(stack, url, bounce(mails[GONE]))

    assert shop.suppressed(GONE) is None
    for _ in range(2):  # SNS delivers at least once
        assert httpx.post(url, content=body, headers=headers, timeout=30).status_code == 200

    until("the bounced address", lambda: shop.suppressed(GONE), lambda reason: reason == "hard_bounce")
    campaign = mails[GONE]["campaign"]
    until("the bounce counts once", lambda: shop.results(campaign)["bounced"], lambda number: number == 1)


@pytest.mark.parametrize("tampering", ["another address", "no signature", "another topic"])
def test_a_tampered_report_is_refused(stack: Stack, shop: Company, mails: dict[str, Any], tampering: str) -> None:
    url = stack.callback_urls["feedback.receive_ses_events"]
    headers, body = signed(stack, url, bounce(mails[STAYING]))
    envelope = json.loads(body)
    match tampering:
        case "another address":
            envelope["Message"] = bounce(mails[TAMPERED])
        case "no signature":
            envelope["Signature"] = ""
        case "another topic":
            envelope["TopicArn"] = f"{envelope['TopicArn']}-others"

    reply = httpx.post(url, content=json.dumps(envelope), headers=headers, timeout=30)

    assert reply.status_code == 403, reply.text
    assert shop.suppressed(STAYING) is None
    assert shop.suppressed(TAMPERED) is None


def test_looking_at_the_unsubscribe_page_changes_nothing(shop: Company, mails: dict[str, Any]) -> None:
    for link in (mails[STAYING]["unsubscribe"], *mails[STAYING]["links"]):
        reply = httpx.get(link, timeout=30)
        assert reply.status_code in (200, 302), f"{link}: {reply.status_code}"

    assert shop.consent(STAYING) == "granted"


def test_one_click_unsubscribes(shop: Company, mails: dict[str, Any]) -> None:
    """RFC 8058: the mail program posts, without cookies, and expects no redirect."""
    mail = mails[LEAVING]
    headers = dict(mail["headers"])
    assert headers["List-Unsubscribe"] == f"<{mail['unsubscribe']}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"

    for _ in range(2):
        reply = httpx.post(mail["unsubscribe"], data={"List-Unsubscribe": "One-Click"}, timeout=30)
        assert reply.status_code == 200, reply.text

    assert shop.consent(LEAVING) == "revoked"
    assert [row["address"] for row in shop.all("/v1/unsubscribes")] == [LEAVING]
    until("one unsubscribed", lambda: shop.results(mail["campaign"])["unsubscribed"], lambda number: number == 1)

    again = shop.campaign("After all")
    shop.send(again, [LEAVING, STAYING])
    found = shop.closed(again, 2)
    assert (found["sent"], found["not_sent_by_reason"]) == (1, {"consent_revoked": 1})
