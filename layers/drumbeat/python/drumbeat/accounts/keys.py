"""API keys: made, rotated, revoked. The secret is in the answer that makes the key, and nowhere else.

Of the keys that rotation makes of one, at most two are active, always an old one and its successor: a key whose
predecessor or successor is active cannot be rotated. Transactions hold that also against requests at the same moment.
"""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from drumbeat import clock
from drumbeat.accounts import onetime, scopes
from drumbeat.accounts.model import ApiKey
from drumbeat.errors import Conflict, Detail, Forbidden, Invalid, NotFound
from drumbeat.fields import Body, Instant, Name, View
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

PREFIX = "db_live_"
# An id has no `_`, which parts it from the secret.
_ID = re.compile(r"[A-Za-z0-9]{1,64}")


class KeyRevoked(Conflict):
    code = "API_KEY_REVOKED"


class TwoKeysActive(Conflict):
    code = "TWO_KEYS_ACTIVE"


class SecretShown(Conflict):
    code = "SECRET_ALREADY_SHOWN"


def _scope(text: str) -> str:
    if not scopes.known(text):
        raise ValueError(
            f"is no scope: use * or <thing>:<act>, of {', '.join(scopes.THINGS)}; {', '.join(scopes.ACTS)}"
        )
    return text


Scope = Annotated[str, Field(max_length=64), AfterValidator(_scope)]


class NewKey(Body):
    """A key to make. `limits` are requests a minute by class, at most the tenant's; without `expires_at` it lasts."""

    name: Name
    scopes: list[Scope] = Field(min_length=1, max_length=50)
    limits: dict[str, Annotated[int, Field(ge=1, le=1_000_000)]] = Field(default_factory=dict, max_length=20)
    expires_at: Instant | None = None


class KeyView(View):
    """An API key without its secret. `state` is active, revoked or expired; rotation made it of `replaces`."""

    id: str
    name: str
    scopes: list[str]
    limits: dict[str, int]
    state: str
    replaces: str | None
    created_by: str | None
    created_at: Instant
    expires_at: Instant | None


class CreatedKey(KeyView):
    """A key with the text that clients send in X-API-Key. It is shown this once."""

    key: str


def view(row: ApiKey) -> KeyView:
    return KeyView.model_validate(_shown(row))


def created(row: ApiKey, secret: str) -> CreatedKey:
    return CreatedKey.model_validate({**_shown(row), "key": f"{PREFIX}{row.key_id}_{secret}"})


def _shown(row: ApiKey) -> dict[str, object]:
    expired = row.state == "active" and row.expires_at is not None and row.expires_at <= clock.wall()
    return {
        "id": row.key_id,
        "name": row.name,
        "scopes": sorted(row.scopes),
        "limits": {name: int(number) for name, number in (row.limits or {}).items()},
        "state": "expired" if expired else row.state,
        "replaces": row.replaces,
        "created_by": row.created_by,
        "created_at": row.created_at,
        "expires_at": row.expires_at,
    }


def listed(tenant: str) -> str:
    """The partition of index 1 that lists the tenant's keys."""
    return f"APIKEYS#{tenant}"


def get(tenant: str, key_id: str) -> ApiKey:
    """Raises NotFound."""
    row = ApiKey.fetch(*ApiKey.key(key_id)) if _ID.fullmatch(key_id) else None
    if row is None or row.tenant != tenant:
        raise NotFound("There is no such API key.")
    return row


def key_id(cause: str) -> str:
    """16 letters of base32 that follow from an id: no `_`, which parts the id from the secret."""
    return base64.b32encode(hashlib.sha256(cause.encode()).digest())[:16].decode().lower()


def row(
    tenant: str, wanted: NewKey, key_id: str, credential: str, by: str, now: datetime, replaces: str | None = None
) -> tuple[ApiKey, str]:
    """A key to write, and its secret."""
    salt = onetime.salt()
    secret = onetime.secret(credential, salt)
    made = ApiKey(
        *ApiKey.key(key_id), gsi1pk=listed(tenant), gsi1sk=f"{clock.iso(now)}#{key_id}", tenant=tenant, key_id=key_id,
        name=wanted.name, secret_hash=onetime.hashed(secret), salt=salt, scopes=set(wanted.scopes),
        limits=wanted.limits, state="active", replaces=replaces, created_by=by, created_at=now,
        expires_at=wanted.expires_at,
    )  # fmt: skip
    return made, secret


def check(wanted: NewKey, held: Iterable[str], ceiling: Mapping[str, int]) -> None:
    """Refuse a key that could do more than who asks for it. Raises Forbidden, Invalid."""
    require_held(wanted.scopes, held)
    problems = []
    for name, number in wanted.limits.items():
        if name not in ceiling:
            problems.append(Detail(f"limits.{name}", f"is no class; there are {', '.join(sorted(ceiling))}"))
        elif number > ceiling[name]:
            problems.append(Detail(f"limits.{name}", f"must be at most {ceiling[name]}, as the account has it"))
    if wanted.expires_at is not None and wanted.expires_at <= clock.wall():
        problems.append(Detail("expires_at", "must be in the future"))
    if problems:
        raise Invalid("Some fields are not valid; see details.", problems)


def require_held(wanted: Iterable[str], held: Iterable[str]) -> None:
    """Raises Forbidden for scopes that the caller does not have."""
    lacking = scopes.missing(held, wanted)
    if lacking:
        raise Forbidden(f"You cannot give scopes that you do not have: {', '.join(lacking)}.")


def create(tenant: str, wanted: NewKey, *, key_id: str, credential: str, by: str, now: datetime) -> tuple[ApiKey, str]:
    """Make a key; the same `key_id` with the same credential again is the same key. Raises SecretShown."""
    made, secret = row(tenant, wanted, key_id, credential, by, now)
    try:
        made.create()
    except ConditionFailed as error:
        return _again(ApiKey.from_raw_data(error.found or {}), credential)
    return made, secret


def _again(held: ApiKey, credential: str) -> tuple[ApiKey, str]:
    secret = onetime.secret(credential, held.salt or "")
    if onetime.hashed(secret) != held.secret_hash:
        raise SecretShown("This key was made and its secret shown. Revoke it and make a new one with a new request.")
    return held, secret


def rotate(tenant: str, old: ApiKey, *, key_id: str, credential: str, by: str, now: datetime) -> tuple[ApiKey, str]:
    """A second key that can do the same; the old one works until it is revoked. Raises TwoKeysActive, KeyRevoked."""
    held = ApiKey.fetch(*ApiKey.key(key_id))
    if held is not None:
        return _again(held, credential)
    if old.expires_at is not None and old.expires_at <= clock.wall():
        raise KeyRevoked("An expired key cannot be rotated. Make a new one.")
    wanted = NewKey.model_construct(
        name=old.name, scopes=sorted(old.scopes), limits=old.limits or {}, expires_at=old.expires_at
    )
    made, secret = row(tenant, wanted, key_id, credential, by, now, replaces=old.key_id)
    still = ApiKey.state == "active"
    after = old.replaced_by
    still &= ApiKey.replaced_by.does_not_exist() if after is None else ApiKey.replaced_by == after
    transaction = Transaction().update(ApiKey, old.pk, old.sk, [ApiKey.replaced_by.set(key_id)], still).create(made)
    for neighbour in (old.replaces, after):
        if neighbour is not None:
            transaction.check(ApiKey, *ApiKey.key(neighbour), ApiKey.state == "revoked")
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if (refused.found[0] or {}).get("state") == {"S": "revoked"}:
            raise KeyRevoked("A revoked key cannot be rotated. Make a new one.") from refused
        raise TwoKeysActive("Two keys are active already, the old and the new. Revoke one of them first.") from refused
    return made, secret


def revoke(held: ApiKey) -> None:
    """End a key. Once more does nothing."""
    held.change(ApiKey.state.set("revoked"))
