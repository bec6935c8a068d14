"""Get a user."""

from drumbeat.accounts import users
from drumbeat.accounts.model import User
from drumbeat.accounts.users import UserView
from drumbeat.http import Request, http


@http("GET /v1/users/{user_id}", scope="accounts:read", reads=(User,))
def handler(request: Request, user_id: str) -> UserView:
    """404 when the account has no such user."""
    return users.view(users.get(request.tenant, user_id))
