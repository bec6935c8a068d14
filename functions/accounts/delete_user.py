"""Delete a user."""

from drumbeat import access
from drumbeat.accounts import users
from drumbeat.accounts.model import Login, User
from drumbeat.accounts.users import UserView
from drumbeat.http import Request, http


@http("DELETE /v1/users/{user_id}", scope="accounts:write", writes=(User, Login))
def handler(request: Request, user_id: str) -> UserView:
    """404 for an unknown user, 403 for one who can do more than you, 409 `LAST_ADMIN` for the only administrator.

    The user's tokens end within a minute, and the address may be invited again. The answer is the user as it was.
    """
    users.require_grantable(users.get(request.tenant, user_id).role, access.ROLES, request.scopes)
    user = users.delete(request.tenant, user_id)
    access.forget()
    return users.view(user)
