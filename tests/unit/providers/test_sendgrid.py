"""The requests that go to SendGrid, and what its answers mean."""

import subprocess
import sys
import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from drumbeat.channels import Account, Call, Message, Template
from drumbeat.channels.email import sendgrid, sendgrid_api
from drumbeat.channels.email.sendgrid_api import Asked, Reply
from drumbeat.channels.outcomes import CallResult, CallState, Fate

from tests.harness import ROOT
from tests.sendgrid import GOOD_KEY, SendGrid, refusal
from tests.sendgrid import sendgrid as answering

URL = "https://api.sendgrid.com/v3/mail/send"


def account(**config: Any) -> Account:
    values = {"sender_domain": "acme.example", "ip_pool": "marketing-pool", **config}
    return Account("pac_1", "email", "sendgrid", "ten_acme", values, lambda: {"api_key": GOOD_KEY})


def message(number: int, **changed: Any) -> Message:
    usual: dict[str, Any] = {
        "to": f"p{number}@town.example", "fragments": {"f0": f"Person {number}", "f1": "a & b"},
        "headers": {"List-Unsubscribe": f"<https://t.example/u/{number}>"},
        "tags": {"send": "snd_1", "chunk": "0-7", "attempt": "1", "i": str(number), "contact": "X"},
    }  # fmt: skip
    return Message(**usual | changed)


def call(*messages: Message, sender: str = "Acme <news@mail.acme.example>", **more: Any) -> Call:
    template = Template("Dear {{f0}}", "<p>{{f0}}: {{f1}}</p>", "{{f0}}")
    return Call(more.pop("account", account()), sender, template, messages, **more)


def sent(made: Call, *answers: Reply | Exception) -> tuple[SendGrid, CallResult]:
    with answering() as there:
        there.answers = list(answers)
        return there, sendgrid.send(made)


def test_the_documented_request() -> None:
    """integration-guide.md, SendGrid: template_id and dynamic_template_data, click and open tracking on."""
    values = {"first_name": "Rina", "total_orders": 3}
    made = call(message(1, values=values), said={"provider_template": "d-0123456789abcdef0123456789abcdef"})
    there, result = sent(made)

    assert [entry.fate for entry in result.entries] == [Fate.ACCEPTED]
    assert there.mails == [
        {
            "personalizations": [
                {
                    "to": [{"email": "p1@town.example"}],
                    "dynamic_template_data": values,
                    "headers": {"List-Unsubscribe": "<https://t.example/u/1>"},
                    "custom_args": message(1).tags,
                }
            ],
            "from": {"email": "news@mail.acme.example", "name": "Acme"},
            "template_id": "d-0123456789abcdef0123456789abcdef",
            "ip_pool_name": "marketing-pool",
            "tracking_settings": {
                "click_tracking": {"enable": True, "enable_text": True}, "open_tracking": {"enable": True}
            },
        }
    ]  # fmt: skip
    (asked,) = there.asked
    assert (asked.method, asked.url) == ("POST", URL)
    assert asked.headers["Authorization"] == f"Bearer {GOOD_KEY}"


def test_five_hundred_in_one_request_with_what_differs_as_substitutions() -> None:
    people = [message(number) for number in range(600)]
    most = sendgrid.fitting(call(*people))
    there, result = sent(call(*people[:most], reply_to="Help <help@acme.example>"))

    (body,) = there.mails
    assert (most, len(body["personalizations"]), len(result.entries)) == (500, 500, 500)
    assert {entry.message_id for entry in result.entries} == {"sg-1"}
    assert body["subject"] == "Dear {{f0}}" and body["reply_to"] == {"email": "help@acme.example", "name": "Help"}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["personalizations"][499]["substitutions"] == {"{{f0}}": "Person 499", "{{f1}}": "a & b"}
    assert body["personalizations"][499]["custom_args"]["i"] == "499"
    assert body["tracking_settings"]["open_tracking"] == {"enable": False}  # ours are in the mail


@pytest.mark.parametrize("fragment", ["x" * 10_000, "ü" * 5_000, "I am {{f0}}"])
def test_what_does_not_fit_into_substitutions_goes_alone_and_whole(fragment: str) -> None:
    """10,000 bytes; and what looks like the place of another fragment: nobody says in which order they are put in."""
    large = message(2, fragments={"f0": "Rina", "f1": fragment})
    assert sendgrid.fitting(call(message(0), message(1), large, message(3))) == 2
    assert sendgrid.fitting(call(large, message(3))) == 1

    there, _ = sent(call(large))
    (body,) = there.mails
    assert body["subject"] == "Dear Rina" and body["content"][1]["value"] == f"<p>Rina: {fragment}</p>"
    assert "substitutions" not in body["personalizations"][0]


def test_a_name_in_any_script_and_the_providers_tracking() -> None:
    made = call(
        message(1), sender="=?utf-8?b?4Kac4Ka+4Kao4Ka+?= <news@acme.example>", account=account(tracking="sendgrid")
    )
    there, _ = sent(made)
    assert there.mails[0]["from"] == {"email": "news@acme.example", "name": "জানা"}
    assert there.mails[0]["tracking_settings"]["click_tracking"]["enable"] is True


@pytest.mark.parametrize("sender", ["news@globex.example", "A <news@evilacme.example>", "acme.example@globex.example"])
def test_from_a_foreign_domain_nothing_is_sent(sender: str) -> None:
    there, result = sent(call(message(1), sender=sender))
    assert (result.state, result.reason, there.asked) == (CallState.ACCOUNT, "sender_outside_domain", [])


ANSWERS: list[tuple[Reply | Exception, CallState, str]] = [
    (refusal(400, "Does not contain a valid address. p1@town.example", "personalizations.0.to"), CallState.REFUSED,
     "http_400: personalizations.0.to: Does not contain a valid address. …"),
    (refusal(413, "The JSON payload you have included in your request is too large."), CallState.REFUSED, "http_413: "),
    (refusal(401, "The provided authorization grant is invalid, expired, or revoked"), CallState.ACCOUNT, "http_401: "),
    (refusal(401, "Maximum credits exceeded"), CallState.QUOTA, "maximum_credits_exceeded"),
    (refusal(403, "The from address does not match a verified Sender Identity. Mail cannot be sent until", "from"),
     CallState.ACCOUNT, "sender_not_verified"),
    (refusal(429, "too many requests", x_ratelimit_reset="1900000000"), CallState.THROTTLED, "http_429: "),
    (refusal(500, "Internal server error"), CallState.UNKNOWN, "http_500: "),
    (Reply(503, {}, b"<html>down</html>"), CallState.UNKNOWN, "http_503"),
    (Reply(302, {"location": "https://elsewhere.example/"}), CallState.UNKNOWN, "http_302"),
    (EndpointConnectionError(endpoint_url=URL), CallState.UNREACHABLE, "EndpointConnectionError"),
    (ConnectTimeoutError(endpoint_url=URL), CallState.UNREACHABLE, "ConnectTimeoutError"),
    (ReadTimeoutError(endpoint_url=URL), CallState.UNKNOWN, "ReadTimeoutError"),
    (ConnectionClosedError(endpoint_url=URL), CallState.UNKNOWN, "ConnectionClosedError"),
    (SSLError(endpoint_url=URL, error="x"), CallState.UNKNOWN, "SSLError"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "state", "reason"), ANSWERS, ids=[f"{state}-{why[:30]}" for _, state, why in ANSWERS]
)
def test_what_an_answer_means(answer: Reply | Exception, state: CallState, reason: str) -> None:
    there, result = sent(call(message(1)), answer)
    assert result.state == state and result.reason.startswith(reason) and "@" not in result.reason
    assert len(there.asked) == 1  # never again by itself
    assert result.throttled == (state == CallState.THROTTLED) and result.quota == (state == CallState.QUOTA)


def test_how_long_to_wait() -> None:
    soon = str(int(time.time()) + 90)
    at_reset = sent(call(message(1)), refusal(429, "slow down", x_ratelimit_reset=soon))[1].wait
    asked = sent(call(message(1)), refusal(429, "slow down", retry_after="7", x_ratelimit_reset=soon))[1].wait
    nonsense = sent(call(message(1)), refusal(429, "slow down", x_ratelimit_reset="soon"))[1].wait
    assert at_reset is not None and timedelta(seconds=30) < at_reset < timedelta(seconds=91)
    assert (asked, nonsense) == (timedelta(seconds=7), None)


def test_the_key_goes_to_sendgrid_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own servers, or the one that the deployment names; what an account says cannot change that."""

    def asked(**config: Any) -> str:
        with answering() as there:
            sendgrid_api.ask(account(**config), "GET", "/v3/scopes")
        return there.asked[0].url

    assert asked() == "https://api.sendgrid.com/v3/scopes"
    assert asked(region="eu") == "https://api.eu.sendgrid.com/v3/scopes"
    monkeypatch.setenv("SENDGRID_API_URL", "http://127.0.0.1:7/")
    assert asked(region="eu") == "http://127.0.0.1:7/v3/scopes"


def test_the_sdk_is_imported_with_the_first_request() -> None:
    """It takes longer than all else of a cold start, and only those who send over SendGrid need it."""
    said = "import sys; from drumbeat.channels.email import sendgrid; print('sendgrid' in sys.modules)"
    layer = str(ROOT / "layers/drumbeat/python")
    out = subprocess.run([sys.executable, "-c", said], env={"PYTHONPATH": layer}, capture_output=True, text=True)
    assert out.stdout.strip() == "False", out.stderr


def test_an_answer_that_is_no_json_is_an_answer() -> None:
    assert Reply(500, {}, b"\xff").errors == [] and Reply(400, {}, b'{"errors": {"a": 1}}').errors == []
    assert Asked("GET", URL, {}).body == b""
