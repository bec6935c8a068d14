"""Signing in: an address and a password become a user, or a refusal that does not say which of the two was wrong."""

from datetime import datetime

from pydantic import Field

from drumbeat.accounts import passwords
from drumbeat.accounts.model import Login, Tenant, User
from drumbeat.errors import Unauthorized
from drumbeat.fields import Body, Instant, Text, View
from drumbeat.table import ConditionFailed


class InvalidCredentials(Unauthorized):
    code = "INVALID_CREDENTIALS"


class Credentials(Body):
    """Who signs in."""

    email: Text = Field(min_length=1, max_length=254)
    password: Text = Field(min_length=1, max_length=passwords.MOST)


class SignedInUser(View):
    """The user of a token. `number` counts the users of the tenant."""

    id: str
    number: int
    email: str
    role: str


class SignedIn(View):
    """A token for `Authorization: Bearer`, and when it expires."""

    token: str
    expires_at: Instant
    user: SignedInUser


def check(email: str, password: str) -> User | None:
    """The user whose address and password these are, if that user may sign in.

    Does the same work whether or not there is such a user: three reads and one hash.
    """
    login = Login.fetch(*Login.key(email))
    tenant, user_id = (login.tenant, login.user) if login else ("none", "none")
    user = User.fetch(*User.key(tenant, user_id))
    owner = Tenant.fetch(*Tenant.key(tenant))
    stored = user.password if user and user.state == "active" and owner and owner.active else None
    return user if passwords.matches(stored, password) else None


def note(user: User, password: str, now: datetime) -> None:
    """Record a sign-in; a hash of older parameters is made anew, unless the password was changed meanwhile."""
    actions = [User.last_login_at.set(now)]
    if passwords.outdated(user.password or ""):
        actions.append(User.password.set(passwords.hashed(password)))
    try:
        user.change(*actions, condition=User.session == user.session)
    except ConditionFailed:
        raise InvalidCredentials("The password was changed just now. Sign in with the new one.") from None
