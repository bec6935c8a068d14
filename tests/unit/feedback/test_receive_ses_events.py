"""Only what Amazon SNS signed, for our own topics, gets onto the queue."""

import base64
import email.message
import io
import json
import os
import urllib.request
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.response import addinfourl

import boto3
import pytest
from drumbeat import aws, clock
from drumbeat.errors import Forbidden, Unavailable
from drumbeat.feedback import certificates, signatures
from drumbeat.feedback.certificates import SigningCertificate
from drumbeat.sends.work import DELIVERIES, INCIDENTS

from tests import sns
from tests.harness import Reply, http_event
from tests.sends import batch, sent
from tests.unit.feedback.conftest import keep
from tests.world import World

EVENT = json.dumps({"eventType": "Bounce", "mail": {"messageId": "m", "tags": {}}})


def post(world: World, body: bytes, *, plain: bool = True) -> Reply:
    event = http_event("$default", body=body, headers={"content-type": "text/plain; charset=UTF-8"})
    if plain:
        event |= {"body": body.decode(), "isBase64Encoded": False}
    answer = world.run("feedback.receive_ses_events", event)
    return Reply(answer["statusCode"], answer["headers"], answer["body"])


def queued() -> list[str]:
    found = boto3.client("sqs").receive_message(QueueUrl=os.environ["QUEUE_FEEDBACK"], MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize("more", [{}, {"Subject": "Amazon SES Email Event Notification"}])
def test_a_notification_goes_onto_the_queue(trusting: World, plain: bool, more: dict[str, str]) -> None:
    """As text or as base64, with and without a subject."""
    reply = post(trusting, sns.signed(sns.notification(EVENT, **more)), plain=plain)
    assert (reply.status, reply.data) == (200, {"taken": True})
    assert [json.loads(body) for body in queued()] == [json.loads(EVENT)]


def test_a_greeting_of_ses_is_no_event(trusting: World) -> None:
    text = "Successfully validated SNS topic for Amazon SES event publishing."
    assert post(trusting, sns.signed(sns.notification(text))).data == {"taken": False}
    assert queued() == []


def test_a_replay_does_no_harm(trusting: World) -> None:
    send = sent()
    body = sns.signed(sns.notification(json.dumps(send.bounce("Permanent", 1))))
    for _ in range(3):
        assert post(trusting, body).status == 200
    for message in queued():
        trusting.run("feedback.apply_feedback", batch([json.loads(message)]))
    assert send.stats() == {"bounced": {1}}


def flipped(text: str) -> str:
    raw = bytearray(base64.b64decode(text))
    raw[10] ^= 1
    return base64.b64encode(raw).decode()


GOOD = json.loads(sns.signed(sns.notification(EVENT)))


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"Message": EVENT + " "}, 403, "BAD_SIGNATURE"),
        ({"MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf325"}, 403, "BAD_SIGNATURE"),
        ({"Timestamp": "2026-03-02T09:00:00.001Z"}, 403, "BAD_SIGNATURE"),
        ({"Subject": "put in"}, 403, "BAD_SIGNATURE"),
        ({"Subject": ""}, 403, "BAD_SIGNATURE"),
        ({"Signature": flipped(GOOD["Signature"])}, 403, "BAD_SIGNATURE"),
        ({"Signature": ""}, 403, "BAD_SIGNATURE"),
        ({"Signature": "no base64!"}, 403, "BAD_SIGNATURE"),
        ({"Signature": None}, 403, "BAD_SIGNATURE"),
        ({"SignatureVersion": "1"}, 403, "BAD_SIGNATURE"),
        ({"SignatureVersion": None}, 403, "BAD_SIGNATURE"),
        ({"SignatureVersion": 2}, 403, "BAD_SIGNATURE"),
        ({"SigningCertURL": None}, 403, "BAD_SIGNATURE"),
        ({"TopicArn": sns.TOPIC.replace("123456789012", "210987654321")}, 403, "WRONG_TOPIC"),
        ({"TopicArn": sns.TOPIC.replace("us-east-1", "eu-west-1")}, 403, "WRONG_TOPIC"),
        ({"TopicArn": sns.TOPIC + "-2"}, 403, "WRONG_TOPIC"),
        ({"TopicArn": sns.TOPIC.replace(INCIDENTS, DELIVERIES)}, 403, "WRONG_TOPIC"),
        ({"Type": "UnsubscribeConfirmation"}, 400, "MALFORMED_BODY"),
        ({"Type": "Other"}, 400, "MALFORMED_BODY"),
        ({"Type": ["Notification"]}, 400, "MALFORMED_BODY"),
        ({"Message": None}, 400, "MALFORMED_BODY"),
        ({"MessageId": 7}, 400, "MALFORMED_BODY"),
        ({"TopicArn": None}, 400, "MALFORMED_BODY"),
    ],
)
def test_what_was_changed_after_signing_is_refused(
    trusting: World, changed: dict[str, Any], status: int, code: str
) -> None:
    reply = post(trusting, sns.signed(sns.notification(EVENT), **changed))
    assert (reply.status, reply.body["error_code"]) == (status, code)
    assert queued() == []


@pytest.mark.parametrize("body", [b"", b"x", b"[]", b"null", b'"x"', b"{}", b"\xff\xfe", b'{"Type":"Notification"}'])
def test_what_is_no_message_of_sns_is_malformed(trusting: World, body: bytes) -> None:
    assert post(trusting, body, plain=False).status == 400


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com.evil.test/SimpleNotificationService-a.pem",
        "https://evil.test/sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com@evil.test/SimpleNotificationService-a.pem",
        "https://evil@sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns-us-east-1.s3.amazonaws.com/SimpleNotificationService-a.pem",
        "https://s3.amazonaws.com/sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.s3.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://evilsns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com:443/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com:8443/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem?x=1",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem?",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem#x",
        "https://sns.us-east-1.amazonaws.com/?Action=x&y=/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/x/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/../SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-/../a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem.html",
        "https://sns.us-east-1.amazonaws.com\t/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com\\@evil.test/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem\n",
        "https://sns.US-EAST-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com./SimpleNotificationService-a.pem",
        "HTTPS://sns.us-east-1.amazonaws.com/SimpleNotificationService-a.pem",
        "https://sns.us-east-1.amazonaws.com.cn.evil.test/SimpleNotificationService-a.pem",
        "https://127.0.0.1/SimpleNotificationService-a.pem", "file:///etc/passwd", "//x", "", "https://[::",
    ],
)  # fmt: skip
def test_no_other_host_may_name_the_certificate(world: World, address: str) -> None:
    """Even when the table had a certificate for it."""
    assert not signatures.is_sns_certificate(address)
    if address:
        keep(sns.certificate(), address)
    reply = post(world, sns.signed(sns.notification(EVENT), SigningCertURL=address))
    assert (reply.status, reply.body["error_code"]) == (403, "BAD_SIGNATURE")


@pytest.mark.parametrize(
    "host", ["sns.us-east-1.amazonaws.com", "sns.cn-north-1.amazonaws.com.cn", "sns.us-gov-west-1.amazonaws.com"]
)
def test_hosts_of_sns(host: str) -> None:
    name = "SimpleNotificationService-9c6465fa7f48f5cacd23014631ec1136.pem"
    assert signatures.is_sns_certificate(f"https://{host}/{name}")


def test_another_key_does_not_fit(trusting: World) -> None:
    reply = post(trusting, sns.signed(sns.notification(EVENT), sns.key(whose="somebody")))
    assert (reply.status, reply.body["error_code"]) == (403, "BAD_SIGNATURE")


def test_a_weak_key_is_refused(world: World) -> None:
    weak = sns.key(1024)
    keep(sns.certificate(weak))
    assert post(world, sns.signed(sns.notification(EVENT), weak)).status == 403


def test_a_subscription_is_confirmed_through_the_sdk(trusting: World) -> None:
    boto3.client("sns").create_topic(Name=f"drumbeat-{INCIDENTS}")
    asked: list[dict[str, Any]] = []
    events = aws.client("sns").meta.events
    events.register("provide-client-params.sns.ConfirmSubscription", lambda params, **_: asked.append(params))
    reply = post(trusting, sns.signed(sns.subscription(SubscribeURL="http://169.254.169.254/latest/meta-data")))
    assert (reply.status, reply.data) == (200, {"confirmed": True})
    assert asked == [{"TopicArn": sns.TOPIC, "Token": "2336412f37f", "AuthenticateOnUnsubscribe": "true"}]


def test_a_subscription_to_another_topic_is_not_confirmed(trusting: World) -> None:
    body = sns.signed(sns.subscription(TopicArn=sns.TOPIC.replace("123456789012", "666666666666")))
    assert post(trusting, body).body["error_code"] == "WRONG_TOPIC"


def test_the_end_of_a_subscription_is_only_noted(trusting: World) -> None:
    body = sns.signed(sns.subscription(Type="UnsubscribeConfirmation"))
    assert post(trusting, body).data == {"taken": False}


def test_a_certificate_is_fetched_once_and_kept_in_the_table(world: World) -> None:
    fetched: list[str] = []

    def fetch(url: str) -> bytes:
        fetched.append(url)
        return sns.certificate().encode()

    for _ in range(3):
        certificates.of(sns.CERTIFICATE_URL, clock.wall(), fetch)
    certificates.forget()  # another instance
    certificates.of(sns.CERTIFICATE_URL, clock.wall(), fetch)
    assert fetched == [sns.CERTIFICATE_URL]


def test_a_certificate_that_ran_out_is_fetched_again(world: World) -> None:
    old = sns.certificate(start=datetime(2024, 1, 1, tzinfo=UTC), days=30)
    keep(old)
    new = certificates.of(sns.CERTIFICATE_URL, clock.wall(), lambda _: sns.certificate().encode())
    assert new.not_valid_after_utc > clock.wall()
    certificates.forget()
    with pytest.raises(Forbidden):
        certificates.of(sns.CERTIFICATE_URL, clock.wall() + timedelta(days=900), lambda _: old.encode())


@pytest.mark.parametrize(
    "pem", [b"", b"<html>", b"-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n", b"\xff" * 99]
)
def test_what_is_no_certificate_is_not_kept(world: World, pem: bytes) -> None:
    with pytest.raises(Forbidden):
        certificates.of(sns.CERTIFICATE_URL, clock.wall(), lambda _: pem)
    assert SigningCertificate.fetch(*SigningCertificate.key(sns.CERTIFICATE_URL)) is None


class Host(urllib.request.HTTPSHandler):
    """The network: answers every address as it is told, and notes what was asked."""

    def __init__(self, status: int, body: bytes = b"", **headers: str) -> None:
        super().__init__()
        self.status, self.body, self.sent, self.asked = status, body, headers, []  # type: ignore[var-annotated]

    def https_open(self, request: urllib.request.Request) -> Any:
        self.asked.append(request.full_url)
        if self.status == 0:
            raise urllib.error.URLError("timed out")
        headers = email.message.Message()
        for name, value in self.sent.items():
            headers[name] = value
        answer = addinfourl(io.BytesIO(self.body), headers, request.full_url, self.status)
        answer.msg = "said"  # type: ignore[attr-defined]
        return answer


def test_a_certificate_is_downloaded() -> None:
    assert certificates.download(sns.CERTIFICATE_URL, Host(200, b"pem")) == b"pem"


def test_redirects_are_not_followed() -> None:
    host = Host(302, Location="https://evil.test/x.pem")
    with pytest.raises(Forbidden):
        certificates.download(sns.CERTIFICATE_URL, host)
    assert host.asked == [sns.CERTIFICATE_URL]


@pytest.mark.parametrize(
    ("host", "refusal"),
    [(Host(404), Forbidden), (Host(503), Unavailable), (Host(0), Unavailable), (Host(200, b"x" * 20_000), Forbidden)],
)
def test_what_a_host_may_answer_instead(host: Host, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        certificates.download(sns.CERTIFICATE_URL, host)
