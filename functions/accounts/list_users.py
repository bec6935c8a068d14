"""List the account's users, newest first."""

from drumbeat import lists, table
from drumbeat.accounts import users
from drumbeat.accounts.model import User
from drumbeat.accounts.users import UserView
from drumbeat.fields import Listing, Page
from drumbeat.http import Request, http


@http("GET /v1/users", scope="accounts:read", reads=(User,))
def handler(request: Request, query: Listing) -> Page[UserView]:
    """422 for a cursor of another list."""
    partition = users.listed(request.tenant)
    found = lists.page(User, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, users.view)
