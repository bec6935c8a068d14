"""Invite a person to the account."""

from drumbeat import access
from drumbeat.accounts import users
from drumbeat.accounts.model import Invite, Login, Sequence, User
from drumbeat.accounts.users import InvitedUser, NewUser
from drumbeat.http import Answer, Request, http


@http("POST /v1/users", scope="accounts:write", writes=(User, Login, Invite, Sequence), status=201)
def handler(request: Request, body: NewUser) -> Answer[InvitedUser]:
    """409 `EMAIL_TAKEN` when the address belongs to a user of any account, 403 for a role that can do more than you.

    No mail is sent: give the `invitation.link` to the person yourself. It is shown this once and lasts a week.
    """
    users.require_grantable(body.role, access.ROLES, request.scopes)
    user, invitation = users.invite(
        request.tenant,
        body,
        user_id=request.new_id("usr"),
        credential=access.presented(request.headers),
        now=request.now,
    )
    return Answer(users.invited(user, invitation), secret=True)
