"""Say which account the provider's reports are of that come to its address without a callback id."""

from drumbeat.fields import Body
from drumbeat.operator import operator
from drumbeat.providers import changing
from drumbeat.providers.model import Callback, ProviderAccount


class Default(Body):
    """The account, and whose it is."""

    tenant: str
    account_id: str


class DefaultSet(Body):
    """The address that is the account's now, besides its own."""

    account_id: str
    provider: str
    path: str


@operator(reads=(ProviderAccount,), writes=(Callback,))
def handler(wanted: Default) -> DefaultSet:
    """`NOT_FOUND` for an account that this tenant does not have. Another account had the address until now, if any."""
    row = changing.make_default(wanted.tenant, wanted.account_id)
    return DefaultSet(account_id=row.account_id, provider=row.provider, path=f"/webhooks/{row.provider}")
