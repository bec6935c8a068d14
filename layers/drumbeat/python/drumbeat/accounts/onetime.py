"""Secrets that are shown once: how they are made, and what of them is stored.

A secret is HMAC-SHA256 of a stored random salt, keyed with the credential of whoever asked for it. Neither half is
enough alone: the table has no credential, the caller has no salt. So the same request sent again with its
`Idempotency-Key` gets the same secret, although nothing that could give it away was kept.
"""

import base64
import hashlib
import hmac
import secrets


def hashed(secret: str) -> str:
    """SHA-256, hexadecimal: how secrets with enough chance in them are stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def salt() -> str:
    """128 bits of chance as text."""
    return secrets.token_urlsafe(16)


def secret(credential: str, salt: str) -> str:
    """43 letters that are safe in a URL. Without a credential (the operator's requests) they are random."""
    if not credential:
        return secrets.token_urlsafe(32)
    mixed = hmac.new(credential.encode("utf-8", "surrogatepass"), salt.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mixed).decode().rstrip("=")
