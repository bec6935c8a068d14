"""Which account carries a tenant's messages: by id, or as the settings choose."""

import time
from functools import cache, partial

from pydantic import ValidationError

from drumbeat import channels, ids, table
from drumbeat.accounts.model import Tenant
from drumbeat.channels import Account
from drumbeat.errors import NotFound, Refusal
from drumbeat.providers import model, secrets
from drumbeat.providers.model import DEFAULT, Callback, ProviderAccount, State

# What finding an account reads, and what sending over it calls besides.
READS = (ProviderAccount, Tenant)
CALLS = secrets.READS
KEPT_SECONDS = 60
MOST_KEPT = 500
_kept: dict[tuple[str, str], tuple[float, ProviderAccount]] = {}


class NoAccount(Refusal):
    """No account is chosen for a channel that needs one."""

    status, code = 422, "NO_PROVIDER_ACCOUNT"


def account(tenant: str, channel: str, account_id: str) -> Account:
    """The account of an id, its row at most a minute old; secrets are read when they are first needed. Raises NotFound.

    The name of a provider that needs no account (`ses`) stands for the deployment's own."""
    if not ids.is_id(account_id, "pac"):
        if account_id not in own(channel):
            raise NotFound(f"There is no provider account {account_id} for {channel}.")
        return Account(account_id, channel, account_id)
    row = _row(tenant, account_id)
    if row.channel != channel:
        raise NotFound(f"The provider account {account_id} is not for {channel}.")
    return of(row)


def reporting(provider: str, callback: str) -> ProviderAccount:
    """Whose account reports to an address; `callback` is its last part, empty for the address without one. Raises
    NotFound. Needs `reads=(Callback, ProviderAccount)`."""
    named = Callback.fetch(*Callback.key(callback or default_of(provider)), consistent=False)
    row = _row(named.tenant, named.account_id) if named else None
    if row is None or row.provider != provider:
        raise NotFound(f"No account of {provider} reports to this address.")
    return row


def default_of(provider: str) -> str:
    """The callback id that the address without one stands for."""
    return f"{DEFAULT}-{provider}"


def of(row: ProviderAccount) -> Account:
    """The account of a row."""
    read = partial(secrets.of, row.tenant, row.account_id, int(row.secrets_version))
    return Account(
        row.account_id, row.channel, row.provider, row.tenant, dict(row.config or {}), read, row.callback_url
    )


def chosen(tenant: str, channel: str) -> tuple[Account, Account | None]:
    """The account that the tenant's settings choose now for a channel, and the one in reserve. Raises NoAccount."""
    from drumbeat.accounts import settings  # heavy; whoever sends has the account's id

    choice = settings.fresh(tenant).channels.get(channel)
    wanted = choice.account if choice else channels.get(channel).usual
    if wanted not in own(channel) and not ids.is_id(wanted, "pac"):
        raise NoAccount(
            f"No provider account is chosen for {channel}: create one with POST /v1/provider-accounts, then choose it "
            f"in the settings (channels.{channel}.account)."
        )
    reserve = choice.fallback if choice else None
    return account(tenant, channel, wanted), account(tenant, channel, reserve) if reserve else None


def listed(tenant: str, channel: str) -> list[ProviderAccount]:
    """The accounts of a tenant for a channel, oldest first; those that are being deleted are left out."""
    places = table.keys_in_index(1, ProviderAccount.partition(tenant), newest_first=False)
    rows = ProviderAccount.many((pk, sk) for pk, sk, _ in places)
    return [row for row in rows if row.channel == channel and row.state == State.ACTIVE]


@cache
def own(channel: str) -> frozenset[str]:
    """The channel's providers at which the deployment itself has an account: they need neither secrets nor settings."""
    return frozenset(name for name in channels.providers(channel) if _needs_nothing(channels.provider(channel, name)))


def _needs_nothing(provider: channels.Provider) -> bool:
    if provider.CREDENTIALS:
        return False
    try:
        provider.CONFIG()
    except ValidationError:
        return False
    return True


def _row(tenant: str, account_id: str) -> ProviderAccount:
    """The account's row, at most a minute old. Raises NotFound."""
    until, row = _kept.get((tenant, account_id), (0.0, None))
    if row is None or time.monotonic() >= until:
        row = model.get(tenant, account_id)
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[tenant, account_id] = time.monotonic() + KEPT_SECONDS, row
    if row.state != State.ACTIVE:
        raise NotFound("This provider account is being deleted.")
    return row


def forget() -> None:
    """Drop what this instance keeps."""
    _kept.clear()
    secrets.forget()
