"""Addresses that get nothing any more, whoever has them: apart from contacts, so that deleting one changes nothing.

pk                                 sk             gsi1pk                    gsi1sk
SUPPRESSION#<tenant>#<address>     SUPPRESSION    SUPPRESSIONS#<tenant>     <at>
SUPPRESSION#<tenant>#erased:<mac>  SUPPRESSION    the same: the address of somebody whose data was erased
SUPPRESSION#<tenant>#erased        ERASED         this tenant has such rows

`marketing` stops campaigns, `all` also what was bought or asked for (a hard bounce: nobody reads it).

Of an erased address only a keyed hash is kept (HMAC-SHA256), so that it is known when somebody brings it again, and not
before. The tenant's key is made by KMS from a key that never leaves it, and is kept nowhere: the table alone, or a copy
of it, does not tell whether an address is in it.
"""

import hashlib
import hmac
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import field_validator

from drumbeat import clock, table
from drumbeat.aws import client
from drumbeat.contacts import addresses
from drumbeat.errors import Conflict, Invalid, NotFound
from drumbeat.fields import Body, Instant, Listing, Name, Text, View
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, Transaction, UnicodeAttribute, index

Scope = Literal["marketing", "all"]
Reason = Literal["hard_bounce", "soft_bounces", "complaint", "manual", "invalid", "unsubscribed"]
ERASED = "erased"


class NotManual(Conflict):
    code = "SUPPRESSION_NOT_MANUAL"


class Suppression(Entity):
    """An address that is not to be written to; `address` as `addresses.claim` gives it."""

    TYPE = "SUPPRESSION"
    LEDGER = True
    INDEX_TYPES = {"gsi1": "SUPPRESSIONS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    address = UnicodeAttribute()
    scope = UnicodeAttribute()
    reason = UnicodeAttribute()
    source = UnicodeAttribute(null=True)
    at = InstantAttribute()

    @staticmethod
    def key(tenant: str, address: str) -> tuple[str, str]:
        return f"SUPPRESSION#{tenant}#{addresses.claim(address)}", "SUPPRESSION"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"SUPPRESSIONS#{tenant}"


class Erasures(Entity):
    """Says that a tenant has hashed suppressions: only then are there hashes to make."""

    TYPE = Suppression.TYPE
    LEDGER = True

    @staticmethod
    def key(tenant: str) -> tuple[str, str]:
        return f"SUPPRESSION#{tenant}#{ERASED}", "ERASED"


class NewSuppression(Body):
    """An address that is to get nothing more."""

    address: Text
    reason: Reason = "manual"
    scope: Scope = "marketing"
    source: Name | None = None

    @field_validator("address")
    @classmethod
    def _claim(cls, value: str) -> str:
        return addresses.any_address(value)


class SuppressionView(View):
    """An address that gets nothing, since when and why. Of an erased person it is a hash, `erased:…`."""

    address: str
    reason: str
    scope: str
    source: str | None
    at: Instant


class SuppressionQuery(Listing):
    """Filters of the list."""

    reason: Reason | Literal["erased"] | None = None


_keys: dict[str, bytes] = {}


def _hash_key(tenant: str) -> bytes:
    """The tenant's key, asked of KMS once in the life of an instance."""
    if tenant not in _keys:
        answer = client("kms").generate_mac(
            KeyId=os.environ["SUPPRESSION_KEY"], MacAlgorithm="HMAC_SHA_256", Message=tenant.encode()
        )
        _keys[tenant] = bytes(answer["Mac"])
    return _keys[tenant]


def hashed(tenant: str, address: str) -> str:
    """What stands for an erased address: `erased:` and 64 hexadecimal digits."""
    mac = hmac.new(_hash_key(tenant), addresses.claim(address).encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"{ERASED}:{mac.hexdigest()}"


def forget() -> None:
    """Drop the keys that this instance has (tests between cases)."""
    _keys.clear()


def key(tenant: str, address: str) -> tuple[str, str]:
    """Where the suppression of an address is, for reading many at once."""
    return Suppression.key(tenant, address)


def build(tenant: str, address: str, scope: Scope, reason: Reason, source: str | None, at: datetime) -> Suppression:
    return Suppression(
        *Suppression.key(tenant, address),
        gsi1pk=Suppression.partition(tenant),
        gsi1sk=clock.iso(at),
        address=addresses.claim(address),
        scope=scope,
        reason=reason,
        source=source,
        at=at,
    )


def suppress(tenant: str, address: str, scope: Scope, reason: Reason, source: str | None, at: datetime) -> Suppression:
    """Suppress an address. Twice is once: the first stays, unless this one's scope is wider. An erased one is not
    written down again. Gives what is stored."""
    erased = find(tenant, address)
    if erased and erased.reason == ERASED:
        return erased
    row = build(tenant, address, scope, reason, source, at)
    free = Suppression.pk.does_not_exist()
    wider = free | (Suppression.scope == "marketing") if scope == "all" else free
    values = {name: held for name, held in row.attribute_values.items() if name not in ("pk", "sk", "source")}
    actions = [getattr(Suppression, name).set(held) for name, held in values.items()]
    actions.append(Suppression.source.remove() if source is None else Suppression.source.set(source))
    try:
        Suppression.change_at(row.pk, row.sk, *actions, condition=wider)
    except ConditionFailed as refused:
        return Suppression.from_raw_data(refused.found or {})
    return row


def into(transaction: Transaction, row: Suppression) -> None:
    """Put the suppression into a transaction that must not fail because the address is suppressed already."""
    cls = Suppression
    kept = [
        getattr(cls, name).set(getattr(cls, name) | getattr(row, name))
        for name in ("gsi1pk", "gsi1sk", "address", "scope", "reason", "at")
    ]
    if row.source:
        kept.append(cls.source.set(cls.source | row.source))
    transaction.update(cls, row.pk, row.sk, kept)


def erase_into(transaction: Transaction, tenant: str, address: str, at: datetime) -> None:
    """Put into a transaction that the address gets nothing any more, and that only its hash is kept."""
    row = build(tenant, hashed(tenant, address), "all", "manual", "erasure", at)
    row.reason = ERASED
    transaction.delete(Suppression, *Suppression.key(tenant, address))
    transaction.put(row)


def mark_into(transaction: Transaction, tenant: str) -> None:
    """Put into a transaction that the tenant has hashed suppressions; once for each transaction."""
    transaction.put(Erasures(*Erasures.key(tenant)))


def find(tenant: str, address: str) -> Suppression | None:
    """What keeps us from writing to an address, also to one that was erased."""
    return many(tenant, [address]).get(addresses.claim(address))


def many(tenant: str, addressed: Iterable[str]) -> dict[str, Suppression]:
    """Suppressions of these addresses by their claim, read consistently. Those of erased ones have their hash as
    `address`."""
    claims = list(dict.fromkeys(addresses.claim(address) for address in addressed))
    if not claims:
        return {}
    wanted = {Suppression.key(tenant, claim): claim for claim in claims}
    mark = Erasures.key(tenant)
    items = {(item["pk"]["S"], item["sk"]["S"]): item for item in table.raw_many([*wanted, mark])}
    if items.pop(mark, None):
        erased = {Suppression.key(tenant, hashed(tenant, claim)): claim for claim in claims}
        items |= {(item["pk"]["S"], item["sk"]["S"]): item for item in table.raw_many(list(erased))}
        wanted |= erased
    return {wanted[key]: Suppression.from_raw_data(item) for key, item in items.items()}


def erased(tenant: str, addressed: Iterable[str]) -> set[str]:
    """The claims of those addresses whose person had everything erased: they do not come back by somebody else's
    word. One read for a tenant without any."""
    if not addressed or Erasures.fetch(*Erasures.key(tenant)) is None:
        return set()
    return {claim for claim, row in many(tenant, addressed).items() if row.reason == ERASED}


def asked(text: str) -> str:
    """The claim of an address in a path. Raises Invalid."""
    try:
        return addresses.any_address(text)
    except addresses.BadAddress as error:
        raise Invalid.field("address", str(error)) from error


def get(tenant: str, address: str) -> Suppression:
    """Raises NotFound, Invalid."""
    row = find(tenant, asked(address))
    if row is None:
        raise NotFound("This address is not suppressed.")
    return row


def remove(tenant: str, address: str, *, force: bool) -> Suppression:
    """Write to this address again. Only manual suppressions go without `force`. Raises NotManual, NotFound, Invalid."""
    row = get(tenant, address)
    allowed = Suppression.pk.exists() if force else (Suppression.reason == "manual")
    try:
        Suppression._get_connection().delete_item(row.pk, row.sk, condition=allowed)
    except ConditionFailed as refused:
        if refused.found is None:
            return row
        raise NotManual(
            f"This address is suppressed because of {row.reason}. Add force=true if you know that it may be written to."
        ) from refused
    return row


def view(row: Suppression) -> SuppressionView:
    return SuppressionView(address=row.address, reason=row.reason, scope=row.scope, source=row.source, at=row.at)
