"""Signatures of requests to tenants' systems: Standard Webhooks 1.0, and the one of our documents. Pure.

Standard Webhooks (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md): HMAC-SHA256 over
`<id>.<timestamp>.<body>` with the bytes that `whsec_…` encodes; the header lists one signature a secret, so that a
secret can be replaced without a gap. `X-Webhook-Signature` is the hex HMAC-SHA256 of the exact bytes of the body, with
the first secret as it is written.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime

PREFIX = "whsec_"
# The specification wants 24 to 64 bytes.
FEWEST_BYTES, MOST_BYTES = 24, 64


class BadSecret(ValueError):
    """The credential has no secrets, or something that is none."""


def secrets(text: str) -> list[str]:
    """The secrets of a credential, newest first, between commas. Raises BadSecret."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise BadSecret("The signing secrets must have at least one secret, whsec_ and base64.")
    for secret in found:
        _key(secret)
    return found


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not FEWEST_BYTES <= len(key) <= MOST_BYTES:
        raise BadSecret(f"A signing secret must be {PREFIX} and {FEWEST_BYTES} to {MOST_BYTES} bytes in base64.")
    return key


def headers(held: list[str], message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign a body at a wall time. `message_id` is the same however often the message is sent."""
    timestamp = str(int(at.timestamp()))
    content = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = [base64.b64encode(_mac(_key(secret), content).digest()).decode() for secret in held]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
        "x-webhook-signature": _mac(held[0].encode(), body).hexdigest(),
    }


def _mac(key: bytes, content: bytes) -> "hmac.HMAC":
    return hmac.new(key, content, hashlib.sha256)
