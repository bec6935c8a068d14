"""Mail the link that sets a new password."""

from drumbeat.accounts import resets
from drumbeat.accounts.model import Invite, Login, Tenant, User
from drumbeat.accounts.resets import RESETS, Asked
from drumbeat.queue import queue


@queue(RESETS, reads=(Login, Tenant), writes=(User, Invite), calls=("ses:SendEmail",), timeout=30)
def handler(message: Asked) -> None:
    """Nothing is sent for an address without an active user, nor when the account has no sender address."""
    resets.send(message)
