"""List the account's API keys, newest first, without their secrets."""

from drumbeat import lists, table
from drumbeat.accounts import keys
from drumbeat.accounts.keys import KeyView
from drumbeat.accounts.model import ApiKey
from drumbeat.fields import Listing, Page
from drumbeat.http import Request, http


@http("GET /v1/api-keys", scope="accounts:read", reads=(ApiKey,))
def handler(request: Request, query: Listing) -> Page[KeyView]:
    """422 for a cursor of another list."""
    partition = keys.listed(request.tenant)
    found = lists.page(ApiKey, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, keys.view)
