"""Sending identities: the domains and addresses that a tenant's mail comes from.

pk                           sk          gsi1pk                 gsi1sk
IDENTITY#<tenant>#<id>       IDENTITY    IDENTITIES#<tenant>    <name>

The id follows from the name, so an address leads to its identity without a search.
"""

from collections.abc import Iterable
from enum import StrEnum

from pynamodb.attributes import JSONAttribute

from drumbeat import ids
from drumbeat.channels.email.ses import CONFIGURATION_SET
from drumbeat.contacts import addresses
from drumbeat.errors import NotFound
from drumbeat.table import Entity, InstantAttribute, UnicodeAttribute, index


class State(StrEnum):
    PENDING = "pending"
    VERIFIED = "verified"
    FAILED = "failed"
    DELETING = "deleting"


class Sending(StrEnum):
    """Whether campaigns may send from the identity."""

    ACTIVE = "active"
    PAUSED = "paused"


class Identity(Entity):
    """A domain or address that mail is sent from. `level` is its reputation's, as of the last roll-up; `paused` is the
    figure because of which it is; `override_until` is how long a person has answered for it; `warmup` is a
    `warmup.Plan` as JSON."""

    TYPE = "IDENTITY"
    INDEX_TYPES = {"gsi1": "IDENTITIES"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    identity_id = UnicodeAttribute()
    name = UnicodeAttribute()
    state = UnicodeAttribute(default=State.PENDING.value)
    reason = UnicodeAttribute(null=True)
    configuration_set = UnicodeAttribute()
    dkim_tokens = JSONAttribute(default=list)
    dkim_zone = UnicodeAttribute(null=True)
    mail_from = UnicodeAttribute(null=True)
    mail_from_state = UnicodeAttribute(null=True)
    level = UnicodeAttribute(null=True)
    sending = UnicodeAttribute(default=Sending.ACTIVE.value)
    paused = JSONAttribute(null=True)
    paused_at = InstantAttribute(null=True)
    override_until = InstantAttribute(null=True)
    warmup = JSONAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    checked_at = InstantAttribute(null=True)
    verified_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, identity_id: str) -> tuple[str, str]:
        return f"IDENTITY#{tenant}#{identity_id}", "IDENTITY"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"IDENTITIES#{tenant}"

    @property
    def is_domain(self) -> bool:
        return "@" not in self.name


def id_of(tenant: str, name: str) -> str:
    """The id of the identity of a (normalised) name."""
    return ids.derived("sid", tenant, name)


def set_name(identity_id: str) -> str:
    """The identity's configuration set in SES."""
    return f"{CONFIGURATION_SET}-{identity_id}"


def get(tenant: str, reference: str) -> Identity:
    """By id, domain or address. Raises NotFound."""
    identity_id = reference if ids.is_id(reference, "sid") else id_of(tenant, reference.strip().lower())
    found = Identity.fetch(*Identity.key(tenant, identity_id))
    if found is None:
        raise NotFound("There is no such sending identity. List sending identities to see their ids.")
    return found


def find(tenant: str, identity_id: str) -> Identity | None:
    return Identity.fetch(*Identity.key(tenant, identity_id))


def many(tenant: str, names: Iterable[str]) -> dict[str, Identity]:
    """Those of these names that there are."""
    rows = Identity.many(Identity.key(tenant, id_of(tenant, name)) for name in names)
    return {row.name: row for row in rows}


def covering(address: str) -> list[str]:
    """The names whose identity an address may be sent from, the closest first: itself, its domain, the domains above
    (SES verifies a domain with all below it)."""
    claim = addresses.claim(address)
    labels = claim.rpartition("@")[2].split(".")
    return list(dict.fromkeys([claim, *(".".join(labels[start:]) for start in range(len(labels) - 1))]))
