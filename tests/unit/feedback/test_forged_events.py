"""Forged, broken and repeated messages of Amazon SNS: whatever differs from what was signed is refused, and what was
signed once may come again at any time without doing anything a second time."""

import base64
import hashlib
import itertools
import json
import os
from typing import Any

import boto3
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import load_pem_x509_certificate
from drumbeat import clock
from drumbeat.contacts import consent, suppressions
from drumbeat.contacts import model as contacts
from drumbeat.errors import Refusal
from drumbeat.feedback import certificates, signatures

from tests import sns
from tests.harness import Reply, http_event
from tests.sends import Sent, batch, sent
from tests.world import World

EVENT = json.dumps({"eventType": "Bounce", "mail": {"messageId": "m", "tags": {}}})
NOTICES = {
    "plain": sns.notification(EVENT),
    "with a subject": sns.notification(EVENT, Subject="Amazon SES Email Event Notification"),
    "confirmation": sns.subscription(),
    "end": sns.subscription(Type="UnsubscribeConfirmation"),
}
ADDRESS = "rina0-0@mail.example"
UNSIGNED = {"SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"}


def post(world: World, body: bytes, /, **changed: Any) -> Reply:
    headers = {"content-type": changed.pop("content_type", "text/plain; charset=UTF-8")}
    answer = world.run("feedback.receive_ses_events", http_event("$default", body=body, headers=headers) | changed)
    return Reply(answer["statusCode"], answer["headers"], answer["body"])


def queued() -> list[str]:
    found = boto3.client("sqs").receive_message(QueueUrl=os.environ["QUEUE_FEEDBACK"], MaxNumberOfMessages=10)
    return [message["Body"] for message in found.get("Messages", [])]


def signed_as(version: str, algorithm: hashes.HashAlgorithm) -> bytes:
    """A notification that says that its signature has this version, over a digest by this algorithm."""
    envelope = json.loads(sns.signed(sns.notification(EVENT)))
    signature = sns.key().sign(signatures.canonical(envelope), padding.PKCS1v15(), algorithm)
    return json.dumps(
        {**envelope, "SignatureVersion": version, "Signature": base64.b64encode(signature).decode()}
    ).encode()


def accepted(body: bytes) -> signatures.Notice | None:
    certificate = load_pem_x509_certificate(sns.certificate().encode())
    try:
        return signatures.verified(body, (sns.TOPIC,), lambda _: certificate)
    except Refusal:
        return None


@pytest.mark.parametrize("kind", NOTICES)
def test_a_changed_letter_in_any_signed_field_is_refused(trusting: World, kind: str) -> None:
    good = json.loads(sns.signed(NOTICES[kind]))
    assert accepted(json.dumps(good).encode()) is not None
    for name in good.keys() - UNSIGNED:
        for place in {0, len(good[name]) // 2, len(good[name]) - 1}:
            text = good[name]
            changed = {**good, name: text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :]}
            reply = post(trusting, json.dumps(changed).encode())
            expected = {"Type": "MALFORMED_BODY", "TopicArn": "WRONG_TOPIC"}.get(name, "BAD_SIGNATURE")
            assert reply.body["error_code"] == expected, (name, place)
        assert post(trusting, json.dumps({**good, name: ""}).encode()).status in (400, 403)
    assert queued() == []


def test_no_flipped_byte_of_a_body_changes_what_is_taken() -> None:
    """Every fifth byte of the body, its lowest and its highest bit: refused, or the very same message."""
    body = sns.signed(NOTICES["with a subject"])
    good = accepted(body)
    survived = 0
    for place, bit in itertools.product(range(0, len(body), 5), (1, 0x80)):
        found = accepted(body[:place] + bytes([body[place] ^ bit]) + body[place + 1 :])
        assert found in (None, good), (place, bit)
        survived += found is not None
    assert survived < len(body) / 10  # the address for unsubscribing is not signed, and nothing reads it


def test_of_a_field_that_comes_twice_the_one_that_is_used_is_the_one_that_was_verified(trusting: World) -> None:
    body = sns.signed(sns.notification(EVENT))
    forged = json.dumps(EVENT.replace("Bounce", "Complaint")).encode()
    assert post(trusting, body[:-1] + b', "Message": ' + forged + b"}").body["error_code"] == "BAD_SIGNATURE"
    assert post(trusting, b'{"Message": ' + forged + b", " + body[1:]).data == {"taken": True}
    assert [json.loads(one) for one in queued()] == [json.loads(EVENT)]


@pytest.mark.parametrize(
    ("version", "algorithm"),
    [("1", hashes.SHA1()), ("2", hashes.SHA1()), ("1", hashes.SHA256()), ("2", hashes.SHA512())],  # noqa: S303
)
def test_only_version_2_with_its_algorithm_is_taken(
    trusting: World, version: str, algorithm: hashes.HashAlgorithm
) -> None:
    """Version 1 is SHA-1; a message may not choose the weaker one."""
    assert post(trusting, signed_as(version, algorithm)).body["error_code"] == "BAD_SIGNATURE"
    assert queued() == []


def test_a_topic_of_another_account_may_sign_what_it_wants(trusting: World) -> None:
    """SNS signs the messages of everybody's topics, with the same certificate."""
    for topic in (
        sns.TOPIC.replace("123456789012", "666666666666"), sns.TOPIC + ".evil", "x" + sns.TOPIC, sns.TOPIC + "\n",
        sns.TOPIC.replace("arn:aws:", "arn:aws:sns:us-east-1:123456789012:x:aws:"), sns.TOPIC.upper(),
    ):  # fmt: skip
        reply = post(trusting, sns.signed(sns.notification(EVENT, TopicArn=topic)))
        assert reply.body["error_code"] == "WRONG_TOPIC", topic
    assert queued() == []


def test_a_certificate_outside_its_days_is_not_trusted(trusting: World) -> None:
    """Kept from better days in this instance and in the table; the host has no newer one."""
    pem = sns.certificate()
    until = load_pem_x509_certificate(pem.encode()).not_valid_after_utc
    assert certificates.of(sns.CERTIFICATE_URL, until, lambda _: pem.encode())
    for moment in (until.replace(year=until.year + 1), until.replace(year=until.year - 5)):
        with pytest.raises(Refusal, match="not valid"):
            certificates.of(sns.CERTIFICATE_URL, moment, lambda _: pem.encode())


@pytest.mark.parametrize(
    "changed",
    [
        {"content_type": "application/json"}, {"content_type": "multipart/form-data; boundary=x"}, {"content_type": ""},
        {"rawQueryString": "Message=x&Message=y&TopicArn=z"}, {"rawPath": "/x%00/../y"}, {"headers": {}},
        {"requestContext": {}}, {"pathParameters": None},
    ],
)  # fmt: skip
def test_nothing_but_the_body_counts(trusting: World, changed: dict[str, Any]) -> None:
    assert post(trusting, sns.signed(sns.notification(EVENT)), **changed).data == {"taken": True}


@pytest.mark.parametrize("more", [{"isBase64Encoded": False}, {"body": "", "isBase64Encoded": False}, {"body": None}])
def test_a_body_that_is_not_what_its_flag_says_is_malformed(trusting: World, more: dict[str, Any]) -> None:
    assert post(trusting, sns.signed(sns.notification(EVENT)), **more).status == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000, b'{"Type":' * 20_000, b'{"Type":"Notification","Message":"' + b"x" * 6_000_000,
        b'{"Type":"Notification","Message":"\\ud800"}', b"\xed\xa0\x80", b"9" * 1_000_000, b'"' + b"\x00" * 1000,
        json.dumps({**sns.notification("x" * 5_000_000), "SignatureVersion": "2", "Signature": "AA=="}).encode(),
        json.dumps(dict.fromkeys(map(str, range(100_000)), "x")).encode(),
    ],
    ids=range(9),
)  # fmt: skip
def test_huge_and_broken_bodies_are_refused(trusting: World, body: bytes) -> None:
    """Six megabytes are what Lambda lets through."""
    reply = post(trusting, body)
    assert reply.status in (400, 403) and len(reply.text) < 2000
    assert queued() == []


@pytest.mark.parametrize("message", ["null", "[]", "1e400", '"x"', "{}", '{"eventType":', "NaN", "[" * 5000])
def test_what_is_signed_and_no_event_is_left_alone(trusting: World, message: str) -> None:
    assert post(trusting, sns.signed(sns.notification(message))).data == {"taken": False}


def test_a_replay_long_after_does_nothing_a_second_time(trusting: World) -> None:
    """A signature has no end: what we promise is that a message that comes again changes nothing, whatever happened
    since. Here a complaint; its address is taken off the list again, and its person agrees to mails; then somebody
    plays the complaint once more."""
    send = sent()
    complaint = send.event("Complaint", complaintFeedbackType="abuse")
    body = sns.signed(sns.notification(json.dumps(complaint)))
    heard(trusting, body)
    assert standing(send) == "suppressed:complaint"
    assert trusting.call("contacts.delete_suppression", path={"address": ADDRESS}, query={"force": "true"}).status < 300
    consent.grant(send.tenant, person(send), "email", source="form", method="form", at=clock.business())
    assert standing(send) is None
    before = (send.stats(), len(send.rows()))

    for _ in range(3):
        heard(trusting, body)

    assert standing(send) is None
    assert (send.stats(), len(send.rows())) == before


def heard(world: World, body: bytes) -> None:
    assert post(world, body).data == {"taken": True}
    for message in queued():
        assert world.run("feedback.apply_feedback", batch([json.loads(message)])) == {"batchItemFailures": []}


def person(send: Sent) -> contacts.Contact:
    return contacts.get(send.tenant, send.people[0][0].contact_id)


def standing(send: Sent) -> str | None:
    """Why the first recipient gets no marketing; None when it may."""
    return consent.may_market(person(send), "email", suppressions.find(send.tenant, ADDRESS))


def test_the_digest_of_the_canonical_text_is_the_one_of_the_guide() -> None:
    """docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html: the names in this order, a line each."""
    lines = [
        "Message", "Test message", "MessageId", "1", "Subject", "Test subject", "Timestamp", "2012-04-25T21:49:25.719Z",
        "TopicArn", "arn:x", "Type", "Notification", "",
    ]  # fmt: skip
    said = {"Type": "Notification", "MessageId": "1", "TopicArn": "arn:x", "Subject": "Test subject"}
    whole = {**said, "Message": "Test message", "Timestamp": "2012-04-25T21:49:25.719Z"}
    assert hashlib.sha256(signatures.canonical(whole)).digest() == hashlib.sha256("\n".join(lines).encode()).digest()
