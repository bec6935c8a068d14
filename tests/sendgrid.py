"""SendGrid as tests have it: what the simulator of the local stack refuses and accepts, without a socket between; its
key that signs reports; and reports as it words them, written from its documentation."""

import base64
import functools
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from drumbeat.channels.email import sendgrid_api
from drumbeat.channels.email.sendgrid_api import Asked, Reply

# The test vector of SendGrid's own libraries (sendgrid-python, test/unit/test_eventwebhook.py).
VECTOR = {
    "key": "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE83T4O/n84iotIvIW4mdBgQ/7dAfSmpqIM8kF9mN1flpVKS3GRqe62gw+2fNNRaINXvVp"
    "iglSI8eNEc6wEA3F+g==",
    "signature": "MEUCIGHQVtGj+Y3LkG9fLcxf3qfI10QysgDWmMOVmxG0u6ZUAiEAyBiXDWzM+uOe5W0JuG+luQAbPIqHh89M15TluLtEZtM=",
    "timestamp": "1600112502",
    "body": '[{"email":"hello@world.com","event":"dropped","reason":"Bounced Address",'
    '"sg_event_id":"ZHJvcC0xMDk5NDkxOS1MUnpYbF9OSFN0T0doUTRrb2ZTbV9BLTA",'
    '"sg_message_id":"LRzXl_NHStOGhQ4kofSm_A.filterdrecv-p3mdw1-756b745b58-kmzbl-18-5F5FC76C-9.0",'
    '"smtp-id":"<LRzXl_NHStOGhQ4kofSm_A@ismtpd0039p1iad1.sendgrid.net>","timestamp":1600112492}]\r\n',
}
SIGNATURE, TIMESTAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
GOOD_KEY, NO_SCOPE_KEY = "SG.good.key", "SG.read.only"


class SendGrid:
    """Keeps what was posted. `answers` are given instead of its own, one a request: a reply, or what is raised. It
    refuses requests to addresses in `refused`."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Reply | Exception] = []
        self.refused: set[str] = set()

    @property
    def mails(self) -> list[dict[str, Any]]:
        """The bodies of requests to send, in order."""
        return [json.loads(one.body) for one in self.asked if one.url.endswith("/v3/mail/send")]

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        key = asked.headers["Authorization"].removeprefix("Bearer ")
        if key not in (GOOD_KEY, NO_SCOPE_KEY):
            return refusal(401, "The provided authorization grant is invalid, expired, or revoked")
        if asked.url.endswith("/v3/scopes"):
            return Reply(200, {}, json.dumps({"scopes": ["mail.send"] if key == GOOD_KEY else ["stats.read"]}).encode())
        return self._mail(asked)

    def _mail(self, asked: Asked) -> Reply:
        from infra.local.simulators import sendgrid

        try:
            mails, _ = sendgrid.parsed(json.loads(asked.body))
        except sendgrid.Bad as bad:
            return refusal(400, bad.message, bad.field)
        for place, mail in enumerate(mails):
            if self.refused & set(mail.to):
                return refusal(400, "Does not contain a valid address.", f"personalizations.{place}.to.0.email")
        return Reply(202, {"x-message-id": f"sg-{len(self.asked)}"})


def refusal(status: int, message: str, field: str | None = None, **headers: str) -> Reply:
    """An answer in SendGrid's shape; a header's name has `_` for `-`."""
    body = json.dumps({"errors": [{"message": message, "field": field, "help": None}]}).encode()
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@contextmanager
def sendgrid() -> Iterator[SendGrid]:
    """Requests to SendGrid go to this one meanwhile."""
    made = SendGrid()
    with sendgrid_api.carried_by(made):
        yield made


@functools.cache
def _signer(whose: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def verification_key(whose: str = "acme") -> str:
    """The public key of an account's webhook, as SendGrid's settings page shows it."""
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return base64.b64encode(_signer(whose).public_key().public_bytes(serialization.Encoding.DER, spki)).decode()


def signed(body: bytes, whose: str = "acme", at: float | None = None) -> dict[str, str]:
    """The headers of a report."""
    timestamp = str(int(time.time() if at is None else at))
    signature = _signer(whose).sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    return headers(base64.b64encode(signature).decode(), timestamp)


def headers(signature: str, timestamp: str) -> dict[str, str]:
    return {"content-type": "application/json", SIGNATURE: signature, TIMESTAMP: timestamp}
