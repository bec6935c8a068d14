"""Set a user's password without asking the user."""

from drumbeat import access
from drumbeat.accounts import tenants, users
from drumbeat.accounts.model import Login, User
from drumbeat.accounts.tenants import OperatorPassword
from drumbeat.accounts.users import UserView
from drumbeat.operator import operator


@operator(reads=(Login,), writes=(User,), memory=512)
def handler(wanted: OperatorPassword) -> UserView:
    """`NOT_FOUND` when nobody has the address, `VALIDATION_ERROR` when the password is weak and `weak` is not set."""
    user = tenants.set_password(wanted)
    access.forget()
    return users.view(user)
