"""The providers' keys, made once and kept in the data folder, and their signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID

_SIGNED_KEYS = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Keys:
    """RSA with a certificate for SNS, P-256 for SendGrid, a shared token for Twilio."""

    def __init__(self, data: Path) -> None:
        self._sns = _private_key(data / "sns.key.pem", lambda: rsa.generate_private_key(65537, 2048))
        self._sendgrid = _private_key(data / "sendgrid.key.pem", lambda: ec.generate_private_key(ec.SECP256R1()))
        self.sns_pem = _kept(data / "sns.cert.pem", lambda: _certificate(self._sns))
        self.twilio_token = _kept(data / "twilio.token", lambda: secrets.token_hex(16))
        digest = hashlib.sha256(self.sns_pem.encode()).hexdigest()[:32]
        self.sns_cert_url = f"https://sns.us-east-1.amazonaws.com/SimpleNotificationService-{digest}.pem"

    @property
    def sendgrid_public_key(self) -> str:
        """Base64 of the SPKI DER, as SendGrid's settings page shows it."""
        der = self._sendgrid.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return base64.b64encode(der).decode()

    def sign_sns(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """The envelope with SignatureVersion 2, its signature and the certificate's address."""
        signed = {**envelope, "SignatureVersion": "2", "SigningCertURL": self.sns_cert_url}
        signature = self._sns.sign(canonical(signed), padding.PKCS1v15(), hashes.SHA256())
        return {**signed, "Signature": base64.b64encode(signature).decode()}

    def sign_sendgrid(self, body: bytes, now: float) -> dict[str, str]:
        """Headers of SendGrid's event webhook: ECDSA over timestamp and body."""
        timestamp = str(int(now))
        signature = self._sendgrid.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "SendGrid Event API",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


def canonical(envelope: dict[str, Any]) -> bytes:
    """SNS's string to sign: the signed keys in order, each name and value on a line; an absent Subject is left out."""
    keys = [key for key in _SIGNED_KEYS[str(envelope["Type"])] if key in envelope]
    return "".join(f"{key}\n{envelope[key]}\n" for key in keys).encode()


def notification(message: str, topic_arn: str, now: datetime, subject: str | None = None) -> dict[str, Any]:
    """An unsigned SNS notification that carries `message`."""
    envelope: dict[str, Any] = {"Type": "Notification", "MessageId": str(uuid.uuid4()), "TopicArn": topic_arn}
    if subject:
        envelope["Subject"] = subject
    unsubscribe = f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic_arn}:{uuid.uuid4()}"
    return envelope | {"Message": message, "Timestamp": stamp(now), "UnsubscribeURL": unsubscribe}


def subscription(topic_arn: str, now: datetime) -> dict[str, Any]:
    """An unsigned SNS request to confirm a subscription."""
    token = secrets.token_hex(64)
    url = f"https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn={topic_arn}&Token={token}"
    text = (
        f"You have chosen to subscribe to the topic {topic_arn}.\nTo confirm, visit the SubscribeURL in this message."
    )
    return {
        "Type": "SubscriptionConfirmation",
        "MessageId": str(uuid.uuid4()),
        "Token": token,
        "TopicArn": topic_arn,
        "Message": text,
        "SubscribeURL": url,
        "Timestamp": stamp(now),
    }


def sns_headers(envelope: dict[str, Any]) -> dict[str, str]:
    """The headers of an SNS POST; the body is text/plain although it is JSON."""
    return {
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
        "x-amz-sns-message-type": str(envelope["Type"]),
        "x-amz-sns-message-id": str(envelope["MessageId"]),
        "x-amz-sns-topic-arn": str(envelope["TopicArn"]),
    }


def sign_twilio(url: str, body: str, token: str) -> dict[str, str]:
    """X-Twilio-Signature: over the URL and the sorted form fields, or over the URL alone when it carries bodySHA256.
    The members of a JSON body without that hash are signed as fields."""
    signed = url
    is_json = body.lstrip().startswith(("{", "["))
    if "bodySHA256=" not in urlsplit(url).query:
        fields = _members(body) if is_json else parse_qsl(body, keep_blank_values=True)
        signed += "".join(name + value for name, value in sorted(set(fields)))
    digest = hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()
    content_type = "application/json" if is_json else "application/x-www-form-urlencoded; charset=UTF-8"
    return {
        "Content-Type": content_type,
        "User-Agent": "TwilioProxy/1.1",
        "X-Twilio-Signature": base64.b64encode(digest).decode(),
    }


def _members(body: str) -> list[tuple[str, str]]:
    try:
        said = json.loads(body)
    except ValueError:
        return []
    pairs = said.items() if isinstance(said, dict) else ()
    return [(name, "" if value is None else str(value)) for name, value in pairs]


def stamp(at: datetime) -> str:
    """AWS's form of a time: UTC with milliseconds and a Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"


def as_envelope(body: str) -> dict[str, Any] | None:
    """The SNS envelope in `body`, or None when it is a plain event."""
    try:
        value = json.loads(body)
    except ValueError:
        return None
    if isinstance(value, dict) and value.get("Type") in _SIGNED_KEYS and "TopicArn" in value:
        return value
    return None


def _private_key(path: Path, make: Any) -> Any:
    encoded = _kept(
        path,
        lambda: (
            make()
            .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            .decode()
        ),
    )
    # Made here, so it need not be checked for being prime: that would take longer than all else of a simulator's start.
    return serialization.load_pem_private_key(encoded.encode(), None, unsafe_skip_rsa_key_validation=True)


def _certificate(key: rsa.RSAPrivateKey) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("sns.amazonaws.com")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _kept(path: Path, make: Any) -> str:
    if not path.exists():
        path.write_text(make())
        path.chmod(0o600)
    return path.read_text()
