"""Rate limits: how many requests of a class one credential may make in a minute. Exact for credentials.

pk                                    sk                      ttl
RATE#<tenant>#<credential>#<class>    <minute, epoch s>       two minutes

GLOBAL: routes without a credential have no tenant.
"""

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass

from drumbeat import clock
from drumbeat.declare import Limit
from drumbeat.errors import RateLimited
from drumbeat.table import ConditionFailed, Entity, NumberAttribute

STANDARD = Limit("standard", 100)
ANALYTICS = Limit("analytics", 20)
REFERRAL = Limit("referral", 200)
UPLOAD = Limit("upload", 5)
EVENTS = Limit("events", 1000)
TRACKING = Limit("tracking", 120)
LOGIN = Limit("login", 30)
SIGN_IN = Limit("sign_in", 10)
PASSWORD_RESET = Limit("password_reset", 3)
# Those that a tenant or a key can have other numbers for.
CLASSES = (STANDARD, ANALYTICS, REFERRAL, UPLOAD, EVENTS)
WINDOW = 60
# Requests without a credential are counted in the instance until they become many: a pixel costs no write then.
FREE_IN_INSTANCE = 10
# Of an address that comes with a token, so many times as many requests are taken as of one token.
SHARERS = 50


class Rate(Entity):
    """The requests of one window."""

    TYPE = "RATE"
    GLOBAL = True

    requests = NumberAttribute()
    ttl = NumberAttribute()

    @staticmethod
    def key(tenant: str, credential: str, limit: str, window: int) -> tuple[str, str]:
        return f"RATE#{tenant}#{credential}#{limit}", str(window)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What is left of a window: goes out as `X-RateLimit-*` with every answer."""

    limit: int
    remaining: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


_full: dict[str, int] = {}
_local: dict[str, tuple[int, int]] = {}


def take(tenant: str, credential: str, limit: Limit, per_minute: int) -> Allowance:
    """Count a request. Raises RateLimited when the window is full; a full window is remembered, not asked again."""
    window = int(clock.wall().timestamp()) // WINDOW * WINDOW
    key = Rate.key(tenant, credential, limit.name, window)
    if _full.get(key[0]) == window:
        raise _refusal(per_minute, window)
    try:
        after = Rate.change_at(
            *key,
            Rate.requests.add(1),
            Rate.ttl.set(window + 2 * WINDOW),
            condition=Rate.requests.does_not_exist() | (Rate.requests < per_minute),
        )
    except ConditionFailed as error:
        if len(_full) > 10_000:
            _full.clear()
        _full[key[0]] = window
        raise _refusal(per_minute, window) from error
    return Allowance(per_minute, max(0, per_minute - int(after["requests"]["N"])), window + WINDOW)


def take_public(name: str, limit: Limit) -> Allowance:
    """Count a request that has no credential, by `name` (an address, a token): the first few only in this instance."""
    window = int(time.time()) // WINDOW * WINDOW
    seen = _local.get(name, (window, 0))
    many = seen[1] + 1 if seen[0] == window else 1
    if len(_local) > 10_000:
        _local.clear()
    _local[name] = (window, many)
    if many <= FREE_IN_INSTANCE:
        return Allowance(limit.per_minute, limit.per_minute - many, window + WINDOW)
    return take("", name, limit, limit.per_minute)


def take_tries(address: str, ip: str, limit: Limit) -> Allowance:
    """Count a try at an account: exactly, by where it comes from (`LOGIN`, not for this machine itself) and by the
    e-mail address that it names (`limit`), whether or not anyone has that address. Only hashes are stored."""
    if ip and not ip.startswith("127."):
        take("", ip, LOGIN, LOGIN.per_minute)
    name = hashlib.sha256(address.strip().casefold().encode()).hexdigest()[:32]
    return take("", name, limit, limit.per_minute)


def of(own: Mapping[str, int]) -> dict[str, int]:
    """The limits of a tenant or a key in requests a minute: its own numbers, and the defaults of the other classes."""
    return {**{limit.name: limit.per_minute for limit in CLASSES}, **{name: int(most) for name, most in own.items()}}


def _refusal(per_minute: int, window: int) -> RateLimited:
    reset = window + WINDOW
    wait = max(1, reset - int(time.time()))
    return RateLimited(
        f"At most {per_minute} requests a minute. Try again in {wait} seconds.",
        headers={**Allowance(per_minute, 0, reset).headers, "Retry-After": str(wait)},
    )


def forget() -> None:
    _full.clear()
    _local.clear()
