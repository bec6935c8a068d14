"""Making, changing and removing provider accounts, and choosing them in the settings.

The secrets are written before the row that names them, and removed before it goes: whatever stops in between, no row
is without secrets for good, and the same request goes on.
"""

import contextlib
from collections.abc import Callable
from datetime import datetime

from pynamodb.expressions.update import Action

from drumbeat import channels, ids, table
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.accounts.settings import Settings, SettingsChange
from drumbeat.errors import Conflict, Detail, Invalid, NotFound
from drumbeat.providers import lookup, model, secrets, views
from drumbeat.providers.model import Callback, ProviderAccount, State
from drumbeat.providers.views import NewProviderAccount, ProviderAccountChange
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

MOST_ACCOUNTS = 50
# What functions write that make, change and remove accounts.
WRITES = (ProviderAccount, Callback)
_MEANWHILE = "The account or the settings have changed meanwhile; look at them, then repeat the request."


class TooManyAccounts(Conflict):
    code = "TOO_MANY_PROVIDER_ACCOUNTS"


class AccountInUse(Conflict):
    """Messages go out over it, or would with the next campaign."""

    code = "PROVIDER_ACCOUNT_IN_USE"


def add(
    tenant: str, wanted: NewProviderAccount, *, account_id: str, callback: str, by: str, now: datetime
) -> ProviderAccount:
    """Raises Invalid, TooManyAccounts and Unavailable. With the id of an account that is there, that is the answer."""
    module = views.provider(wanted.channel, wanted.provider)
    config = views.checked_config(module, wanted.config)
    values = views.checked_secrets(module, wanted.credentials, whole=True)
    if table.count(ProviderAccount.partition(tenant), number=1) >= MOST_ACCOUNTS:
        raise TooManyAccounts(f"There are {MOST_ACCOUNTS} provider accounts already; delete one that is not used.")
    row = ProviderAccount(
        *ProviderAccount.key(tenant, account_id), gsi1pk=ProviderAccount.partition(tenant), gsi1sk=account_id,
        tenant=tenant, account_id=account_id, name=wanted.name, channel=wanted.channel, provider=wanted.provider,
        config=config, secrets_version=secrets.put(tenant, account_id, values), callback=callback, created_by=by,
        created_at=now,
    )  # fmt: skip
    reports = Callback(*Callback.key(callback), tenant=tenant, account_id=account_id)
    try:
        Transaction().create(row).create(reports).commit()
    except TransactionRefused as error:
        if not error.found[0]:
            raise
        return ProviderAccount.from_raw_data(error.found[0])  # an answer got lost, and the request came again
    return row


def change(row: ProviderAccount, wanted: ProviderAccountChange, now: datetime) -> None:
    """Instances use the new config and secrets within a minute. Raises Invalid, NotFound and Unavailable; and Conflict
    when somebody else was quicker, or is deleting the account."""
    if row.state != State.ACTIVE:
        raise Conflict("This provider account is being deleted.")
    module = channels.provider(row.channel, row.provider)
    cls = ProviderAccount
    actions: list[Action] = []
    if wanted.name:
        actions.append(cls.name.set(wanted.name))
    if wanted.config:
        both = {**(row.config or {}), **wanted.config}
        given = {name: value for name, value in both.items() if value is not None}
        actions.append(cls.config.set(views.checked_config(module, given)))
    if wanted.credentials:
        new = views.checked_secrets(module, wanted.credentials, whole=False)
        whole = new.keys() >= set(module.CREDENTIALS)
        held = {} if whole else secrets.of(row.tenant, row.account_id, int(row.secrets_version))
        actions.append(cls.secrets_version.set(secrets.put(row.tenant, row.account_id, {**held, **new})))
        actions.append(cls.rotated_at.set(now))
    if not actions:
        return
    try:
        row.change(*actions, unchanged=True)
    except ConditionFailed as error:
        if error.found is None:
            secrets.delete(row.tenant, row.account_id)  # the account is gone, and they would stay for ever
        raise Conflict(_MEANWHILE) from error
    lookup.forget()


def remove(row: ProviderAccount, retire: Callable[[], bool]) -> None:
    """Take an account away with its secrets. `retire` ends what sends know of it, and is false while one uses it: then
    the account stays. Raises AccountInUse and Unavailable."""
    _mark(row)
    lookup.forget()
    if not retire():
        row.change(ProviderAccount.state.set(State.ACTIVE.value))
        raise AccountInUse("A send that is under way uses this account. Wait for its end, or cancel it.")
    secrets.delete(row.tenant, row.account_id)
    _unname(row)
    Transaction().delete(ProviderAccount, row.pk, row.sk).delete(Callback, *Callback.key(row.callback)).commit()


def _mark(row: ProviderAccount) -> None:
    """From here on nobody chooses it. Raises AccountInUse while the settings do."""
    for _ in range(20):
        tenant = settings.stored(row.tenant)
        names = _naming(settings.parsed(tenant), row.account_id)
        if names:
            raise AccountInUse(f"The settings choose this account ({', '.join(names)}); choose another one first.")
        marking = Transaction().check(Tenant, tenant.pk, tenant.sk, tenant.unchanged())
        marked = ProviderAccount.state.set(State.DELETING.value)
        marking.update(ProviderAccount, row.pk, row.sk, [marked], ProviderAccount.pk.exists())
        try:
            marking.commit()
        except TransactionRefused as error:
            if error.found[1] is not None:
                raise NotFound("There is no such provider account any more.") from error
            continue
        return
    raise Conflict(_MEANWHILE)


def _naming(chosen: Settings, account_id: str) -> list[str]:
    return [
        f"channels.{channel}.{what}"
        for channel, choice in sorted(chosen.channels.items())
        for what, named in (("account", choice.account), ("fallback", choice.fallback))
        if named == account_id
    ]


def _unname(row: ProviderAccount) -> None:
    """Reports to the address without a callback id are nobody's, if they were this account's."""
    default = Callback(*Callback.key(lookup.default_of(row.provider)))
    with contextlib.suppress(ConditionFailed):
        default.delete(Callback.account_id == row.account_id, add_version_condition=False)


def make_default(tenant: str, account_id: str) -> ProviderAccount:
    """Reports to the provider's address without a callback id are this account's from now on. Raises NotFound."""
    row = model.get(tenant, account_id)
    values = {"tenant": tenant, "account_id": account_id}
    actions = [getattr(Callback, name).set(value) for name, value in values.items()]
    Callback.change_at(*Callback.key(lookup.default_of(row.provider)), *actions)
    return row


def choose(tenant: str, wanted: SettingsChange) -> Tenant:
    """Change settings among which are accounts: each must be there, and for its channel, also in the moment of the
    change. Raises Invalid and Conflict."""
    named = [
        (f"channels.{channel}.{what}", channel, account_id)
        for channel, choice in wanted.channels.items() if choice
        for what, account_id in (("account", choice.account), ("fallback", choice.fallback)) if account_id
    ]  # fmt: skip
    amiss = [Detail(field, why) for field, channel, account in named if (why := _unfit(tenant, channel, account))]
    amiss += [
        Detail(f"channels.{channel}.fallback", "must be another account than the first")
        for channel, choice in wanted.channels.items()
        if choice and choice.fallback == choice.account
    ]
    if amiss:
        raise Invalid("Some fields are not valid; see details.", amiss)
    held = sorted({account_id for _, _, account_id in named if ids.is_id(account_id, "pac")})

    def holding(transaction: Transaction) -> None:
        for account_id in held:
            active = ProviderAccount.state == State.ACTIVE.value
            transaction.check(ProviderAccount, *ProviderAccount.key(tenant, account_id), active)

    try:
        return settings.change(tenant, wanted, holding)
    except TransactionRefused as error:
        raise Conflict(_MEANWHILE) from error


def _unfit(tenant: str, channel: str, account_id: str) -> str | None:
    """Why the account cannot be chosen for the channel; None when it can."""
    if not ids.is_id(account_id, "pac"):
        own = ", ".join(sorted(lookup.own(channel)))
        at_most = f" or {own}" if own else ""
        return None if account_id in lookup.own(channel) else f"must be the id of a provider account{at_most}"
    row = ProviderAccount.fetch(*ProviderAccount.key(tenant, account_id))
    if row is None or row.state != State.ACTIVE:
        return "is no provider account of yours"
    return None if row.channel == channel else f"is an account for {row.channel}"
