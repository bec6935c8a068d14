"""Addresses that get nothing any more, whoever has them: apart from contacts, so that deleting one changes nothing.

pk                                 sk             gsi1pk                    gsi1sk
SUPPRESSION#<tenant>#<address>     SUPPRESSION    SUPPRESSIONS#<tenant>     <at>

`marketing` stops campaigns, `all` also what was bought or asked for (a hard bounce: nobody reads it).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from pydantic import field_validator

from drumbeat import clock
from drumbeat.contacts import addresses
from drumbeat.errors import Conflict, Invalid, NotFound
from drumbeat.fields import Body, Instant, Listing, Name, Text, View
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, Transaction, UnicodeAttribute, index

Scope = Literal["marketing", "all"]
Reason = Literal["hard_bounce", "complaint", "manual", "invalid", "unsubscribed"]


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
    """An address that gets nothing, since when and why."""

    address: str
    reason: str
    scope: str
    source: str | None
    at: Instant


class SuppressionQuery(Listing):
    """Filters of the list."""

    reason: Reason | None = None


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
    """Suppress an address. Twice is once: the first stays, unless this one's scope is wider. Gives what is stored."""
    row = build(tenant, address, scope, reason, source, at)
    free = Suppression.pk.does_not_exist()
    wider = free | (Suppression.scope == "marketing") if scope == "all" else free
    try:
        row.save(condition=wider, add_version_condition=False)
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


def find(tenant: str, address: str) -> Suppression | None:
    return Suppression.fetch(*Suppression.key(tenant, address))


def many(tenant: str, addressed: Iterable[str]) -> dict[str, Suppression]:
    """Suppressions of these addresses by their claim, read consistently."""
    rows = Suppression.many(Suppression.key(tenant, address) for address in addressed)
    return {row.address: row for row in rows}


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
