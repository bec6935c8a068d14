"""Tokens of people who signed in: JSON Web Tokens (RFC 7519), ES256, signed by a key that never leaves KMS."""

import base64
import json
import os
from datetime import datetime, timedelta
from typing import Any

from drumbeat import ids
from drumbeat.accounts.model import User
from drumbeat.aws import client

LASTS = timedelta(hours=1)
AUDIENCE = "drumbeat"


def issued(user: User, now: datetime) -> tuple[str, datetime]:
    """A token for a user and when it expires (wall time). It ends earlier with the user's session."""
    expires_at = (now + LASTS).replace(microsecond=0)
    claims = {
        "sub": user.user,
        "tenant": user.tenant,
        "role": user.role,
        "session": int(user.session),
        "aud": AUDIENCE,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "jti": ids.new("tok"),
    }
    return signed(claims), expires_at


def signed(claims: dict[str, Any]) -> str:
    """The claims as a token. The key's id without its ARN is the `kid`."""
    key = os.environ["SIGNING_KEY"]
    header = {"alg": "ES256", "kid": key.rsplit("/", 1)[-1], "typ": "JWT"}
    text = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    der = client("kms").sign(KeyId=key, Message=text.encode(), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256")
    return f"{text}.{_part(_raw(der['Signature']))}"


def _raw(der: bytes) -> bytes:
    """KMS gives a signature as DER; JWS wants r and s, 32 bytes each (RFC 7518, 3.4)."""
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    r, s = decode_dss_signature(der)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
