"""Resetting a lost password: whoever asks gets the same answer at once, and the mail goes out behind it.

Asking puts a message on a queue, for any address: so neither the answer nor the time that it takes tells who is a user.
"""

from botocore.exceptions import ClientError

from drumbeat import clock
from drumbeat.accounts import links, settings, users
from drumbeat.accounts.model import User
from drumbeat.accounts.settings import Settings
from drumbeat.channels.email import notices
from drumbeat.declare import Queue
from drumbeat.fields import Message
from drumbeat.logs import counted, logger
from drumbeat.table import ConditionFailed

RESETS = Queue("password_resets")


class Asked(Message):
    """Someone asked for a new password for an address, in the request of this id."""

    email: str
    request: str


def send(asked: Asked) -> None:
    """Mail a link to the user of the address, if there is one who can sign in; once for a request.

    When it is not known whether SES took the mail, it is not sent again: the person can ask again.
    """
    user = users.by_email(asked.email)
    if user is None or user.state != "active":
        return
    sender = settings.of(user.tenant)
    if not sender.sender_email:
        logger.warning("no sender for password resets", extra={"tenant": user.tenant})
        return
    try:
        first = User.reset_request.does_not_exist() | (User.reset_request != asked.request)
        user.change(User.reset_request.set(asked.request), condition=first)
    except ConditionFailed:
        return
    invitation, row = links.made(user, "reset", "")
    row.create()
    try:
        _mail(user.email, sender, invitation)
    except ClientError:
        # SES said no, so nothing left: the queue brings the message again, and after some tries to its dead letters.
        user.change(User.reset_request.remove())
        raise
    counted("PasswordResets")


def _mail(to: str, sender: Settings, invitation: links.Invitation) -> None:
    minutes = round((invitation.expires_at - clock.wall()).total_seconds() / 60)
    address = sender.sender_email or ""
    name = sender.sender_name or address.rpartition("@")[2]
    text = (
        f"Someone, we hope you, asked for a new password for your account at {name}.\n\n"
        f"Set it here, within {minutes} minutes:\n{invitation.link}\n\n"
        "If it was not you, nothing happens: leave this mail alone.\n"
    )
    notices.send(name, address, to, f"Your new password for {name}", text)
