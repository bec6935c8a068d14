"""Provider accounts: a tenant's own accounts at those who carry its messages.

pk                          sk          gsi1pk                 gsi1sk
PROVIDER#<tenant>#<id>      PROVIDER    PROVIDERS#<tenant>     <id>
CALLBACK#<callback id>      CALLBACK    -                      -         whose reports come to this address

CALLBACK is GLOBAL: what a provider reports is told by the address alone. Secrets are not here
(drumbeat.providers.secrets).
"""

import os
from enum import StrEnum

from pynamodb.attributes import JSONAttribute

from drumbeat.errors import NotFound
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

# Reports to the address without a callback id are of the deployment's own account at the provider.
DEFAULT = "default"


class State(StrEnum):
    ACTIVE = "active"
    DELETING = "deleting"


class ProviderAccount(Entity):
    """A tenant's account at a provider. `config` is what is no secret, as the provider's `CONFIG` has it;
    `secrets_version` is that of its secrets, so that whoever keeps older ones reads again. `callback` is the last part
    of the address that the provider reports to."""

    TYPE = "PROVIDER"
    INDEX_TYPES = {"gsi1": "PROVIDERS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    account_id = UnicodeAttribute()
    name = UnicodeAttribute()
    channel = UnicodeAttribute()
    provider = UnicodeAttribute()
    config = JSONAttribute(default=dict)
    secrets_version = NumberAttribute()
    callback = UnicodeAttribute()
    state = UnicodeAttribute(default=State.ACTIVE.value)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    rotated_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, account_id: str) -> tuple[str, str]:
        return f"PROVIDER#{tenant}#{account_id}", "PROVIDER"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"PROVIDERS#{tenant}"

    @property
    def callback_url(self) -> str:
        return callback_url(self.provider, self.callback)


class Callback(Entity):
    """Whose account reports to an address. `default-<provider>` is the address without a callback id."""

    TYPE = "CALLBACK"
    GLOBAL = True

    tenant = UnicodeAttribute()
    account_id = UnicodeAttribute()

    @staticmethod
    def key(callback: str) -> tuple[str, str]:
        return f"CALLBACK#{callback}", "CALLBACK"


def callback_url(provider: str, callback: str) -> str:
    """Where a provider reports to, on the deployment's own address."""
    return f"{os.environ['PUBLIC_URL'].rstrip('/')}/webhooks/{provider}/{callback}"


def get(tenant: str, account_id: str) -> ProviderAccount:
    """Raises NotFound."""
    row = ProviderAccount.fetch(*ProviderAccount.key(tenant, account_id))
    if row is None:
        raise NotFound("There is no such provider account. List provider accounts to see their ids.")
    return row
