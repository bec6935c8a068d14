"""List the provider accounts, newest first."""

from drumbeat import lists, table
from drumbeat.fields import Page
from drumbeat.http import Request, http
from drumbeat.providers import views
from drumbeat.providers.model import ProviderAccount
from drumbeat.providers.views import ProviderAccountQuery, ProviderAccountView


@http("GET /v1/provider-accounts", scope="providers:read", reads=(ProviderAccount,))
def handler(request: Request, query: ProviderAccountQuery) -> Page[ProviderAccountView]:
    """422 for a cursor that is not of this list. `channel` shows the accounts of one channel."""
    partition = ProviderAccount.partition(request.tenant)
    keep = (lambda row: row.channel == query.channel) if query.channel else None
    found = lists.page(ProviderAccount, [partition], query, total=lambda: table.count(partition, number=1), keep=keep)
    return lists.shown(found, views.view)
