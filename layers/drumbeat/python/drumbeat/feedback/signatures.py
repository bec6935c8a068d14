"""Amazon SNS's signatures, version 2 (docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html).

A loose check of `SigningCertURL` let anyone forge messages to official SDKs (DEF CON 30: a bucket of one's own is an
`amazonaws.com` host, too), so the address must be exactly of the shape that SNS gives out. The topic is compared before
anything is fetched.
"""

import base64
import os
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import from_json

from drumbeat.errors import Forbidden, MalformedBody
from drumbeat.sends.work import FEEDBACK

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_HOST = re.compile(r"sns\.[a-z0-9-]{3,}\.amazonaws\.com(\.cn)?")
_PATH = re.compile(r"/SimpleNotificationService-[A-Za-z0-9_-]{1,64}\.pem")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
_OPTIONAL = ("Subject",)


class BadSignature(Forbidden):
    code = "BAD_SIGNATURE"


class WrongTopic(Forbidden):
    code = "WRONG_TOPIC"


@dataclass(frozen=True, slots=True)
class Notice:
    """A verified message of SNS. `kind` is its `Type`; `token` belongs to confirmations."""

    kind: str
    topic: str
    message: str
    token: str | None


def verified(raw: bytes, topics: Collection[str], certificate: Callable[[str], "Certificate"]) -> Notice:
    """The message in a body. Raises MalformedBody, WrongTopic, BadSignature, and what `certificate` raises."""
    envelope = _envelope(raw)
    if not any(re.fullmatch(topic, envelope["TopicArn"]) for topic in topics):
        raise WrongTopic("Only messages of this deployment's own topics are taken here.")
    if envelope.get("SignatureVersion") != "2":
        raise BadSignature("Only signatures of version 2 (SHA-256) are taken; set the topic's SignatureVersion to 2.")
    address = envelope.get("SigningCertURL")
    if not isinstance(address, str) or not is_sns_certificate(address):
        raise BadSignature("The certificate of this signature is not from Amazon SNS.")
    try:
        signature = base64.b64decode(str(envelope.get("Signature")), validate=True)
    except ValueError as error:
        raise BadSignature("The signature is not base64.") from error
    _verify(certificate(address), signature, canonical(envelope))
    return Notice(envelope["Type"], envelope["TopicArn"], envelope["Message"], envelope.get("Token"))


def _envelope(raw: bytes) -> dict[str, Any]:
    """The JSON object of a body with all that is signed. Raises MalformedBody."""
    try:
        envelope = from_json(raw)
    except ValueError as error:
        raise MalformedBody("This is not a message of Amazon SNS: it is no JSON.") from error
    kind = envelope.get("Type") if isinstance(envelope, dict) else None
    if not isinstance(kind, str) or kind not in _SIGNED:
        raise MalformedBody("This is not a message of Amazon SNS: it has no known Type.")
    for name in _SIGNED[kind]:
        if not isinstance(envelope.get(name), str) and not (name in _OPTIONAL and envelope.get(name) is None):
            raise MalformedBody(f"This is not a message of Amazon SNS: {name} is missing.")
    return dict(envelope)


def canonical(envelope: dict[str, Any]) -> bytes:
    """What is signed: names and values, a line each; a subject only where there is one."""
    present = [name for name in _SIGNED[envelope["Type"]] if envelope.get(name) is not None]
    return "".join(f"{name}\n{envelope[name]}\n" for name in present).encode("utf-8", "surrogatepass")


def is_sns_certificate(address: str) -> bool:
    """Whether an address is one that SNS gives out for its certificates, and nothing that only looks like one."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    # Put together again from its parts it must be the same: no user, port, query, fragment, tab or other case.
    exact = f"https://{parts.netloc}{parts.path}" == address
    return exact and bool(_HOST.fullmatch(parts.netloc)) and bool(_PATH.fullmatch(parts.path))


def _verify(certificate: "Certificate", signature: bytes, signed: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    key = certificate.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < 2048:
        raise BadSignature("The certificate of this signature has no RSA key of 2048 bits or more.")
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature as error:
        raise BadSignature("The signature does not fit the message.") from error


def own_topic(name: str) -> str:
    """The pattern of a topic's ARN in this account and region: the feedback queue's address tells where we are."""
    *_, account, queue = urlsplit(os.environ[FEEDBACK.variable]).path.split("/")
    prefix = queue.removesuffix(FEEDBACK.name)
    region = os.environ["AWS_REGION"]
    return rf"arn:aws[a-z-]*:sns:{re.escape(region)}:{re.escape(account)}:{re.escape(prefix + name)}"
