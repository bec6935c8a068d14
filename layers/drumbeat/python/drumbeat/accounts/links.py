"""Links by which a person sets a password: invitations and resets. A link works once and for a while."""

import os
from datetime import timedelta
from typing import Literal

from pydantic import Field

from drumbeat import clock
from drumbeat.accounts import onetime, passwords
from drumbeat.accounts.model import Invite, User
from drumbeat.accounts.onetime import salt as salt
from drumbeat.errors import Conflict, Refusal
from drumbeat.fields import Body, Instant, Text, View
from drumbeat.table import Transaction, TransactionRefused

Purpose = Literal["invitation", "reset"]
LASTS: dict[Purpose, timedelta] = {"invitation": timedelta(days=7), "reset": timedelta(hours=1)}
STATE: dict[Purpose, str] = {"invitation": "invited", "reset": "active"}


class InvalidLink(Refusal):
    status, code = 400, "INVALID_TOKEN"


class InvitationUsed(Conflict):
    code = "INVITATION_USED"


class NewPassword(Body):
    """The token of an invitation or a reset, and the password to set: 10 to 256 characters."""

    token: Text = Field(min_length=1, max_length=256)
    password: Text = Field(min_length=1, max_length=passwords.MOST)


class Invitation(View):
    """How an invited person gets in: open `link`, or send `token` with a password to /v1/auth/accept-invitation."""

    token: str
    link: str
    expires_at: Instant


def made(user: User, purpose: Purpose, credential: str, cause: str = "") -> tuple[Invitation, Invite]:
    """A link, and the row to write for it. `credential` is the caller's (see `onetime`), `cause` an id of the request
    where a user gets more than one link."""
    token = onetime.secret(credential, f"{user.salt}{cause}")
    expires_at = clock.wall() + LASTS[purpose]
    row = Invite(
        *Invite.key(onetime.hashed(token)), tenant=user.tenant, user=user.user, purpose=purpose,
        session=int(user.session), expires_at=expires_at, ttl=int(expires_at.timestamp()) + 86_400,
    )  # fmt: skip
    return _invitation(token, purpose, row), row


def again(user: User, credential: str) -> Invitation:
    """The invitation that was made with this credential, for a request that is sent twice. Raises InvitationUsed."""
    token = onetime.secret(credential, f"{user.salt}")
    row = Invite.fetch(*Invite.key(onetime.hashed(token)))
    if row is None:
        raise InvitationUsed("This invitation was used, or made with another credential. Make a new one for the user.")
    return _invitation(token, "invitation", row)


def _invitation(token: str, purpose: Purpose, row: Invite) -> Invitation:
    # Behind the `#`: browsers keep that part to themselves, so the token is in nobody's access log.
    link = f"{os.environ.get('PUBLIC_URL', '')}/v1/auth/password#{purpose}={token}"
    return Invitation(token=token, link=link, expires_at=row.expires_at)


def follow(purpose: Purpose, wanted: NewPassword) -> User:
    """Set the password that a link was made for, and use the link up. All older tokens of the user end.

    Raises InvalidLink, and Invalid for a password that is too weak (the link can then be used again).
    """
    refusal = InvalidLink("This link is not valid any more: used, expired or replaced. Ask for a new one.")
    row = Invite.fetch(*Invite.key(onetime.hashed(wanted.token)))
    user = User.fetch(*User.key(row.tenant, row.user)) if row else None
    if row is None or user is None or row.purpose != purpose or row.expires_at <= clock.wall():
        raise refusal
    hashed = passwords.hashed(passwords.accepted(wanted.password, user.email))
    still = (User.session == row.session) & (User.state == STATE[purpose])
    actions = [User.password.set(hashed), User.state.set("active"), User.session.set(User.session + 1)]
    try:
        Transaction().delete(Invite, row.pk, row.sk, Invite.pk.exists()).update(
            User, user.pk, user.sk, actions, still
        ).commit()
    except TransactionRefused as refused:
        raise refusal from refused
    user.refresh(consistent_read=True)
    return user
