"""Amazon SNS as a sender: its certificate (made here), its envelopes and its signature, written from its documentation
and not from our code that checks them."""

import base64
import functools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from drumbeat.sends.work import INCIDENTS

CERTIFICATE_URL = "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
TOPIC = f"arn:aws:sns:us-east-1:123456789012:drumbeat-{INCIDENTS}"


@functools.cache
def key(bits: int = 2048, whose: str = "sns") -> rsa.RSAPrivateKey:
    """A key of this size, the same each time for the same owner."""
    return rsa.generate_private_key(65537, bits)


def certificate(
    signer: rsa.RSAPrivateKey | None = None, *, start: datetime | None = None, days: int = 365
) -> str:  # fmt: skip
    """A certificate of the key, signed by an authority made for it, as PEM."""
    authority = key(whose="authority")
    start = start or datetime.now(UTC) - timedelta(days=1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of these tests")])
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key((signer or key()).public_key())
        .serial_number(7)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=days))
        .sign(authority, hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def notification(message: str, **more: Any) -> dict[str, Any]:
    """A notification before it is signed."""
    return {
        "Type": "Notification", "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "TopicArn": TOPIC,
        "Message": message, "Timestamp": "2026-03-02T09:00:00.000Z",
        "UnsubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe", **more,
    }  # fmt: skip


def subscription(**more: Any) -> dict[str, Any]:
    return {
        "Type": "SubscriptionConfirmation", "MessageId": "165545c9-2a5c-472c-8df2-7ff2be2b3b1b", "Token": "2336412f37f",
        "TopicArn": TOPIC, "Message": "You have chosen to subscribe", "Timestamp": "2026-03-02T09:00:00.000Z",
        "SubscribeURL": "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription", **more,
    }  # fmt: skip


def signed(envelope: dict[str, Any], signer: rsa.RSAPrivateKey | None = None, **changed: Any) -> bytes:
    """The body that SNS posts; `changed` is put into it after it was signed."""
    lines = ["Message", envelope["Message"], "MessageId", envelope["MessageId"]]
    if envelope["Type"] == "Notification":
        lines += ["Subject", envelope["Subject"]] if "Subject" in envelope else []
        lines += ["Timestamp", envelope["Timestamp"]]
    else:
        lines += ["SubscribeURL", envelope["SubscribeURL"], "Timestamp", envelope["Timestamp"]]
        lines += ["Token", envelope["Token"]]
    lines += ["TopicArn", envelope["TopicArn"], "Type", envelope["Type"]]
    text = "".join(f"{line}\n" for line in lines)
    signature = (signer or key()).sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
    whole = {
        **envelope, "SignatureVersion": "2", "Signature": base64.b64encode(signature).decode(),
        "SigningCertURL": CERTIFICATE_URL, **changed,
    }  # fmt: skip
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()
