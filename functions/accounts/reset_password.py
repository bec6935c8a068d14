"""Set a new password with the link of a reset mail."""

from drumbeat import access
from drumbeat.accounts import links, users
from drumbeat.accounts.links import NewPassword
from drumbeat.accounts.model import Invite, User
from drumbeat.accounts.users import UserView
from drumbeat.http import LOGIN, Answer, Request, http


@http("POST /v1/auth/reset-password", limit=LOGIN, writes=(Invite, User), memory=512)
def handler(request: Request, body: NewPassword) -> Answer[UserView]:
    """400 `INVALID_TOKEN` when the link was used, is older than an hour, or another one changed the password since;
    422 for a weak password. All tokens of the user end."""
    user = links.follow("reset", body)
    access.forget()
    return Answer(users.view(user), message="The password is changed. Sign in at POST /v1/auth/login.")
