"""Who has a domain or address, of all tenants of the deployment.

pk                          sk       GLOBAL: one name is one tenant's, whoever asks
CLAIM#sending#<name>        CLAIM    a sending identity: a domain or an e-mail address
CLAIM#tracking#<host>       CLAIM    a tenant's own tracking domain

A claim that was given up stays, because what SES knows of a domain outlives it: the next tenant has to prove by a DNS
record that the domain is theirs now.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from pynamodb.attributes import BooleanAttribute

from drumbeat import ids
from drumbeat.errors import Conflict
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, UnicodeAttribute

Purpose = Literal["sending", "tracking"]
# SES gives up on an identity whose records do not appear within 72 hours; from then on nobody is kept waiting by it.
UNPROVEN_FOR = timedelta(hours=72)


class DomainTaken(Conflict):
    """Another tenant has it."""

    code = "DOMAIN_TAKEN"


class Claim(Entity):
    """A name that one tenant has. `contested`: another one had it before, so that this one must prove ownership."""

    TYPE = "CLAIM"
    GLOBAL = True

    name = UnicodeAttribute()
    tenant = UnicodeAttribute()
    held = BooleanAttribute(default=True)
    contested = BooleanAttribute(default=False)
    since = InstantAttribute()
    verified_at = InstantAttribute(null=True)

    @staticmethod
    def key(purpose: Purpose, name: str) -> tuple[str, str]:
        return f"CLAIM#{purpose}#{name}", "CLAIM"

    def is_open(self, now: datetime) -> bool:
        """Whether another tenant may have it."""
        return not self.held or (self.verified_at is None and self.since + UNPROVEN_FOR < now)


def find(purpose: Purpose, name: str) -> Claim | None:
    return Claim.fetch(*Claim.key(purpose, name))


def many(purpose: Purpose, names: Iterable[str]) -> dict[str, Claim]:
    """Those claims that there are, by name."""
    return {row.name: row for row in Claim.many(Claim.key(purpose, name) for name in names)}


def take(purpose: Purpose, name: str, tenant: str, now: datetime) -> Claim:
    """Claim a name; the tenant's own claim stays as it is. Raises DomainTaken."""
    row = Claim(*Claim.key(purpose, name), name=name, tenant=tenant, held=True, contested=False, since=now)
    try:
        row.create()
        return row
    except ConditionFailed as error:
        found = Claim.from_raw_data(error.found or {})
    if found.tenant == tenant and found.held:
        return found
    if found.tenant != tenant and not found.is_open(now):
        raise DomainTaken(f"{name} belongs to another account of this deployment. If it is yours, ask the operator.")
    try:
        found.change(
            Claim.tenant.set(tenant),
            Claim.held.set(True),
            Claim.contested.set(bool(found.contested) or found.tenant != tenant),
            Claim.since.set(now),
            Claim.verified_at.remove(),
            unchanged=True,
        )
    except ConditionFailed as error:
        raise DomainTaken(f"{name} was claimed by somebody else at the same time.") from error
    return found


def verified(claim: Claim, now: datetime) -> bool:
    """The tenant has shown that the name is theirs; it stays theirs until they give it up. False when it is somebody
    else's by now."""
    if claim.verified_at is None:
        try:
            claim.change(Claim.verified_at.set(now), unchanged=True)
        except ConditionFailed as error:
            after = Claim.from_raw_data(error.found) if error.found else None
            return after is not None and bool(after.held) and after.tenant == claim.tenant
    return True


def release(purpose: Purpose, name: str, tenant: str) -> None:
    """Give a name up, if it is the tenant's."""
    try:
        Claim.change_at(
            *Claim.key(purpose, name),
            Claim.held.set(False),
            Claim.verified_at.remove(),
            condition=Claim.tenant == tenant,
        )
    except ConditionFailed:
        return


def proof(tenant: str, name: str) -> tuple[str, str]:
    """The TXT record that proves ownership: its name, its value."""
    return f"_drumbeat.{name}", f"drumbeat-verification={ids.bare(ids.derived('prf', tenant, name)).lower()}"
