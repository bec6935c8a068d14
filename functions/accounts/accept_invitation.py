"""Accept an invitation: set the first password."""

from drumbeat import access
from drumbeat.accounts import links, users
from drumbeat.accounts.links import NewPassword
from drumbeat.accounts.model import Invite, User
from drumbeat.accounts.users import UserView
from drumbeat.http import LOGIN, Answer, Request, http


@http("POST /v1/auth/accept-invitation", limit=LOGIN, writes=(Invite, User), memory=512)
def handler(request: Request, body: NewPassword) -> Answer[UserView]:
    """400 `INVALID_TOKEN` when the link was used or is older than a week, 422 for a weak password."""
    user = links.follow("invitation", body)
    access.forget()
    return Answer(users.view(user), message="Welcome. Sign in at POST /v1/auth/login.")
