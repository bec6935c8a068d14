"""SendGrid and Twilio: requests, refusals, signed callbacks."""

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from infra.local.simulators.config import merge
from infra.local.simulators.server import Simulators
from infra.local.simulators.signing import sign_twilio
from tests.unit.simulators.parts import Sink, ask, eventually

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])

MAIL: dict[str, Any] = {
    "personalizations": [{"to": [{"email": "ada@x.io"}], "custom_args": {"send": "snd_1", "i": "0"}}],
    "from": {"email": "news@example.com"},
    "subject": "Hi",
    "content": [{"type": "text/html", "value": "<p>Hi -name-</p>"}],
}
KEY = {"Authorization": "Bearer SG.key"}


def person(*addresses: str, **more: Any) -> dict[str, Any]:
    return {"to": [{"email": address} for address in addresses]} | more


def test_sendgrid_accepts_and_sends_a_signed_webhook(running: Simulators, sink: Sink) -> None:
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"callback_url": sink.url + "/webhooks/sendgrid"}}))
    people = [*MAIL["personalizations"], person("bounce@x.io", custom_args={"send": "snd_1", "i": "1"})]
    people[0] = people[0] | {"substitutions": {"-name-": "Ada"}}
    status, _ = ask(running, "POST", "/v3/mail/send", MAIL | {"personalizations": people}, KEY)
    assert status == 202
    eventually(lambda: running.sim.dispatcher.pending == 0)
    [received] = sink.received
    key = load_der_public_key(base64.b64decode(running.sim.keys.sendgrid_public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(received.headers["x-twilio-email-event-webhook-signature"])
    signed = received.headers["x-twilio-email-event-webhook-timestamp"] + received.body
    key.verify(signature, signed.encode(), ec.ECDSA(hashes.SHA256()))
    events = json.loads(received.body)
    told = sorted((event["email"], event["event"], event["send"], event["i"]) for event in events)
    assert told == [
        ("ada@x.io", "delivered", "snd_1", "0"),
        ("ada@x.io", "processed", "snd_1", "0"),
        ("bounce@x.io", "bounce", "snd_1", "1"),
        ("bounce@x.io", "processed", "snd_1", "1"),
    ]
    assert len({event["sg_event_id"] for event in events}) == 4
    [mail] = ask(running, "GET", "/mailbox.json?to=ada")[1]["mails"]
    assert ask(running, "GET", f"/mailbox/{mail['id']}.json")[1]["html"] == "<p>Hi Ada</p>"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": [person(f"a{n}@x.io") for n in range(1001)]}, "personalizations"),
        ({"personalizations": [person("a@x.io", "A@x.io")]}, "personalizations.0"),
        ({"personalizations": [person("nonsense")]}, "personalizations.0.to.0.email"),
        ({"from": {}}, "from.email"),
        ({"subject": ""}, "subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/html", "value": ""}]}, "content.0.value"),
    ],
)
def test_sendgrid_names_the_bad_field(running: Simulators, change: dict[str, Any], field: str) -> None:
    status, answer = ask(running, "POST", "/v3/mail/send", MAIL | change, KEY)
    assert (status, answer["errors"][0]["field"]) == (400, field)
    assert len(running.sim.mailbox) == 0


def test_sendgrid_wants_a_known_key(running: Simulators) -> None:
    assert ask(running, "POST", "/v3/mail/send", MAIL)[0] == 401
    running.sim.configure(merge(running.sim.config, {"sendgrid": {"api_keys": ["SG.other"]}}))
    assert ask(running, "POST", "/v3/mail/send", MAIL, KEY)[0] == 401


def sms(running: Simulators, form: dict[str, str], method: str = "POST", query: str = "") -> Any:
    sid = running.sim.config.twilio.account_sid
    basic = base64.b64encode(f"{sid}:{running.sim.twilio_token}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"}
    path = f"/2010-04-01/Accounts/{sid}/Messages.json{query}"
    return ask(running, method, path, urlencode(form) if method == "POST" else None, headers)


SMS = {"To": "+8801712345678", "From": "+15551230000", "Body": "হ্যালো Ada"}


def test_twilio_accepts_lists_and_calls_back(running: Simulators, sink: Sink) -> None:
    callback = sink.url + "/webhooks/twilio"
    status, message = sms(running, SMS | {"StatusCallback": callback})
    assert (status, message["status"], message["to"], message["body"]) == (201, "queued", SMS["To"], SMS["Body"])
    sms(running, SMS | {"To": "+8801700000000"})
    eventually(lambda: running.sim.dispatcher.pending == 0)
    statuses = sorted(dict(parse_qsl(one.body))["MessageStatus"] for one in sink.received)
    assert statuses == ["delivered", "queued", "sent"]
    for one in sink.received:
        expected = sign_twilio(callback, one.body, running.sim.twilio_token)["X-Twilio-Signature"]
        assert one.headers["x-twilio-signature"] == expected
        assert dict(parse_qsl(one.body))["MessageSid"] == message["sid"]
    _, listed = sms(running, {}, "GET", f"?To={quote(SMS['To'])}&DateSent%3E=2020-01-01")
    assert [(one["sid"], one["status"]) for one in listed["messages"]] == [(message["sid"], "delivered")]
    first = sms(running, {}, "GET", "?PageSize=1")[1]
    assert (len(first["messages"]), first["messages"][0]["to"]) == (1, "+8801700000000")
    assert "Page=1" in first["next_page_uri"]


def test_twilio_tells_failures_by_script(running: Simulators, sink: Sink) -> None:
    ask(running, "POST", "/script", {"match": r"^\+880", "outcome": "bounce"})
    sms(running, SMS | {"StatusCallback": sink.url})
    eventually(lambda: running.sim.dispatcher.pending == 0)
    forms = [dict(parse_qsl(one.body)) for one in sink.received]
    assert ("undelivered", "30005") in [(form["MessageStatus"], form.get("ErrorCode")) for form in forms]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21604),
        ({"To": "01712"}, 21211),
        ({"To": "+15005550001"}, 21211),
        ({"To": "+15005550004"}, 21610),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
    ],
)
def test_twilio_refuses_with_its_codes(running: Simulators, change: dict[str, str], code: int) -> None:
    status, answer = sms(running, SMS | change)
    assert (status, answer["code"]) == (400, code)


def test_twilio_wants_its_token(running: Simulators) -> None:
    path = f"/2010-04-01/Accounts/{running.sim.config.twilio.account_sid}/Messages.json"
    assert ask(running, "POST", path, urlencode(SMS))[0] == 401
