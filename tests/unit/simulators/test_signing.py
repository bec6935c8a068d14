"""POST /sign signs as the provider would, and the keys verify it."""

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from infra.local.simulators.server import Simulators
from infra.local.simulators.signing import canonical, sign_twilio
from tests.unit.simulators.parts import ask

pytestmark = pytest.mark.allow_hosts(["127.0.0.1"])


def sign(running: Simulators, provider: str, body: str, url: str = "http://127.0.0.1:1/cb") -> Any:
    return ask(running, "POST", "/sign", {"provider": provider, "url": url, "body": body})


def verify_sns(running: Simulators, envelope: dict[str, Any]) -> None:
    key = x509.load_pem_x509_certificate(running.sim.keys.sns_pem.encode()).public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    key.verify(base64.b64decode(envelope["Signature"]), canonical(envelope), padding.PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("provider", ["ses", "sns"])
def test_sns_wraps_a_plain_event_and_signs_an_envelope_again(running: Simulators, provider: str) -> None:
    _, signed = sign(running, provider, '{"eventType": "Bounce"}')
    envelope = json.loads(signed["body"])
    assert envelope["Message"] == '{"eventType": "Bounce"}'
    assert signed["headers"]["x-amz-sns-message-type"] == "Notification"
    verify_sns(running, envelope)
    envelope["Message"] = "changed"
    with pytest.raises(InvalidSignature):
        verify_sns(running, envelope)
    envelope["TopicArn"] = "arn:aws:sns:us-east-1:1:mine"
    _, again = sign(running, provider, json.dumps(envelope))
    fresh = json.loads(again["body"])
    assert (fresh["Message"], fresh["TopicArn"], fresh["MessageId"]) == (
        "changed",
        "arn:aws:sns:us-east-1:1:mine",
        envelope["MessageId"],
    )
    verify_sns(running, fresh)


def test_the_canonical_string_is_the_documented_one() -> None:
    envelope = {"Type": "Notification", "MessageId": "m", "TopicArn": "t", "Message": "hello", "Timestamp": "now"}
    assert canonical(envelope) == b"Message\nhello\nMessageId\nm\nTimestamp\nnow\nTopicArn\nt\nType\nNotification\n"
    with_subject = canonical(envelope | {"Subject": "s"})
    assert with_subject.startswith(b"Message\nhello\nMessageId\nm\nSubject\ns\nTimestamp\n")


def test_the_certificate_is_served_under_its_name(running: Simulators) -> None:
    path = "/" + running.sim.keys.sns_cert_url.rpartition("/")[2]
    assert ask(running, "GET", path) == (200, running.sim.keys.sns_pem)


def test_sendgrid_signs_timestamp_and_body(running: Simulators) -> None:
    body = '[{"event":"delivered","email":"é@x.io"}]'
    _, signed = sign(running, "sendgrid", body)
    headers = signed["headers"]
    key = load_der_public_key(base64.b64decode(running.sim.keys.sendgrid_public_key))
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signature = base64.b64decode(headers["X-Twilio-Email-Event-Webhook-Signature"])
    timestamp = headers["X-Twilio-Email-Event-Webhook-Timestamp"]
    key.verify(signature, timestamp.encode() + body.encode(), ec.ECDSA(hashes.SHA256()))


def test_twilio_matches_the_documented_vector() -> None:
    """The example of https://www.twilio.com/docs/usage/security: token 12345."""
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    body = "CallSid=CA1234567890ABCDE&Caller=%2B14158675309&Digits=1234&From=%2B14158675309&To=%2B18005551212"
    assert sign_twilio(url, body, "12345")["X-Twilio-Signature"] == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


def test_twilio_signs_json_by_its_url(running: Simulators) -> None:
    url = "http://127.0.0.1:1/cb?bodySHA256=abc"
    _, signed = sign(running, "twilio", '{"a": 1}', url)
    expected = hmac.new(running.sim.twilio_token.encode(), url.encode(), hashlib.sha1).digest()
    assert signed["headers"]["X-Twilio-Signature"] == base64.b64encode(expected).decode()


@pytest.mark.parametrize("bad", [{"provider": "x", "url": "u", "body": "b"}, {"provider": "ses", "url": "u"}])
def test_a_bad_request_to_sign_is_named(running: Simulators, bad: dict[str, Any]) -> None:
    assert ask(running, "POST", "/sign", bad)[0] == 400
