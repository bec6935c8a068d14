"""Make a new link for a person who has not accepted the invitation."""

from drumbeat import access
from drumbeat.accounts import users
from drumbeat.accounts.model import Invite, User
from drumbeat.accounts.users import InvitedUser
from drumbeat.http import Answer, Request, http


@http(
    "POST /v1/users/{user_id}/invitation", scope="accounts:write", reads=(User,), writes=(Invite,), status=201
)  # fmt: skip
def handler(request: Request, user_id: str) -> Answer[InvitedUser]:
    """404 for an unknown user, 409 `INVITATION_ALREADY_ACCEPTED` for one who has a password."""
    users.require_grantable(users.get(request.tenant, user_id).role, access.ROLES, request.scopes)
    credential, cause = access.presented(request.headers), request.new_id("inv")
    user, invitation = users.renew(request.tenant, user_id, credential=credential, cause=cause)
    return Answer(users.invited(user, invitation), secret=True)
