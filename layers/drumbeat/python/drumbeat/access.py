"""Who is asking, and what they may do: an API key or a JWT becomes a tenant, an actor and scopes.

API keys, users and tenants are kept a minute per instance: a revocation is in force everywhere within that time.
"""

import hmac
import json
import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from drumbeat import clock
from drumbeat.accounts.model import ApiKey, Tenant, User
from drumbeat.accounts.onetime import hashed as hashed
from drumbeat.accounts.tokens import AUDIENCE as AUDIENCE
from drumbeat.errors import Forbidden, Unauthorized
from drumbeat.table import Entity

KEPT_SECONDS = 60
# Letters: ours have 500. What is longer is not looked at, because that alone takes time.
MOST_TOKEN = 8_192
MARKETING = (
    "analytics", "campaigns", "contacts", "events", "exports", "imports", "journeys", "leads", "products", "promotions",
    "segments", "templates",
)  # fmt: skip
ROLES: dict[str, frozenset[str]] = {
    "admin": frozenset({"*"}),
    "marketer": frozenset(f"{thing}:{act}" for thing in MARKETING for act in ("read", "write", "send"))
    | {"senders:read"},
    "analyst": frozenset({"*:read"}),
    "service": frozenset({"contacts:read", "contacts:write", "events:read", "events:write", "campaigns:send"}),
}

E = TypeVar("E", bound=Entity)
_kept: dict[tuple[str, str], tuple[float, Any]] = {}


@dataclass(frozen=True, slots=True)
class Caller:
    """A verified credential. `limits` are the numbers that differ from the defaults, by class."""

    tenant: str
    actor: str
    credential: str
    scopes: frozenset[str]
    limits: Mapping[str, int] = field(default_factory=dict)

    def require(self, scope: str) -> None:
        """Raise Forbidden unless the credential has the scope, itself or by a wildcard."""
        thing, act = scope.split(":")
        if thing == "self":  # what every credential may ask about itself
            return
        if not self.scopes & {"*", scope, f"{thing}:*", f"*:{act}"}:
            raise Forbidden(f"This needs the scope {scope}. Ask an administrator for it, or use another API key.")


def identify(headers: Mapping[str, str]) -> Caller:
    """The caller behind `X-API-Key` or `Authorization: Bearer`. Raises Unauthorized with what to do."""
    token = presented(headers)
    if not token:
        raise Unauthorized("Send an API key in X-API-Key, or a token in Authorization: Bearer.")
    if len(token) > MOST_TOKEN or not token.isascii():
        raise Unauthorized("This is no API key and no token of ours.")
    return _by_api_key(token) if token.startswith("db_live_") else _by_token(token)


def presented(headers: Mapping[str, str]) -> str:
    """The API key or token that a request brings, unverified; empty without one."""
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ").strip()


def _by_api_key(token: str) -> Caller:
    key_id, _, secret = token.removeprefix("db_live_").partition("_")
    key = _cached(ApiKey, ApiKey.key(key_id[:64]))
    # A comparison is made for unknown keys too, so that time does not tell which ids exist.
    right = hmac.compare_digest(hashed(secret), key.secret_hash if key else hashed(""))
    if not key or not right or key.state != "active" or (key.expires_at and key.expires_at <= clock.wall()):
        raise Unauthorized("This API key is unknown, expired or revoked. Create a new one.")
    return _caller(key.tenant, f"key:{key.key_id}", key.key_id, key.scopes, key.limits)


def _by_token(token: str) -> Caller:
    import jwt  # with cryptography 22 ms: only requests that bring a JWT pay for it

    keys: dict[str, str] = json.loads(os.environ.get("JWT_KEYS", "{}"))
    refused = Unauthorized("This token is not valid or has expired. Sign in again at POST /v1/auth/login.")
    try:
        public = keys[str(jwt.get_unverified_header(token).get("kid"))]
        claims = jwt.decode(
            token, public, algorithms=["ES256"], audience=AUDIENCE, options={"require": ["exp", "sub", "aud"]}
        )
        tenant, user_id, session = str(claims["tenant"]), str(claims["sub"]), int(claims["session"])
    except (jwt.InvalidTokenError, KeyError, ValueError, TypeError, OverflowError) as error:
        raise refused from error
    user = _cached(User, User.key(tenant, user_id))
    if not user or user.state != "active" or int(user.session) != session:
        raise refused
    return _caller(tenant, user_id, user_id, ROLES.get(user.role, frozenset()), {})


def _caller(tenant: str, actor: str, credential: str, scopes: Iterable[str], limits: Mapping[str, int]) -> Caller:
    owner = _cached(Tenant, Tenant.key(tenant))
    if not owner or not owner.active:
        raise Unauthorized("This account is not active.")
    return Caller(tenant, actor, credential, frozenset(scopes), {**(owner.limits or {}), **(limits or {})})


def _cached(model: type[E], key: tuple[str, str]) -> E | None:
    """The row, at most a minute old. That there is none is not kept, so that a new key works at once."""
    until, kept = _kept.get(key, (0.0, None))
    row: E | None = kept
    if time.monotonic() >= until:
        row = model.fetch(*key)
        if len(_kept) > 1000:
            _kept.clear()
        if row is not None:
            _kept[key] = (time.monotonic() + KEPT_SECONDS, row)
    return row


def forget() -> None:
    """Drop what this instance keeps (a function that changes credentials does so for itself; tests between cases)."""
    _kept.clear()
