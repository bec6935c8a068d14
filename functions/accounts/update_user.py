"""Change a user's name or role, or take the access away and give it back."""

from drumbeat import access
from drumbeat.accounts import users
from drumbeat.accounts.model import User
from drumbeat.accounts.users import UserChange, UserView
from drumbeat.http import Request, http


@http("PATCH /v1/users/{user_id}", scope="accounts:write", writes=(User,))
def handler(request: Request, user_id: str, body: UserChange) -> UserView:
    """404 for an unknown user, 403 for a role that can do more than you, 409 `LAST_ADMIN` when no active administrator
    would be left, 409 `INVITATION_NOT_ACCEPTED` for the state of someone who has no password yet."""
    for role in {users.get(request.tenant, user_id).role, body.role} - {None}:
        users.require_grantable(str(role), access.ROLES, request.scopes)
    user = users.change(request.tenant, user_id, body)
    access.forget()
    return users.view(user)
