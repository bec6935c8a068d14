"""The people of a tenant: inviting, changing, deleting. A tenant keeps at least one active administrator."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Literal

from pynamodb.expressions.update import Action

from drumbeat import clock, ids, table
from drumbeat.accounts import links
from drumbeat.accounts.links import Invitation
from drumbeat.accounts.model import Login, User, next_number
from drumbeat.accounts.scopes import missing
from drumbeat.accounts.settings import Address
from drumbeat.errors import Conflict, Forbidden, NotFound
from drumbeat.fields import Body, Instant, Name, View
from drumbeat.table import ConditionFailed, Transaction, TransactionRefused

Role = Literal["admin", "marketer", "analyst", "service"]


class EmailTaken(Conflict):
    code = "EMAIL_TAKEN"


class LastAdmin(Conflict):
    code = "LAST_ADMIN"


class NotAccepted(Conflict):
    code = "INVITATION_NOT_ACCEPTED"


class AlreadyAccepted(Conflict):
    code = "INVITATION_ALREADY_ACCEPTED"


class NewUser(Body):
    """A person to invite. An e-mail address belongs to one user of all tenants."""

    email: Address
    role: Role
    name: Name | None = None


class UserChange(Body):
    """What to change; fields left out stay. An `inactive` user cannot sign in, and that user's tokens end."""

    name: Name | None = None
    role: Role | None = None
    state: Literal["active", "inactive"] | None = None


class UserView(View):
    """A user. `number` counts the users of the tenant; `state` is invited, active or inactive."""

    id: str
    number: int
    email: str
    name: str | None
    role: str
    state: str
    created_at: Instant
    last_login_at: Instant | None


class InvitedUser(UserView):
    """A user, and the link that lets that person set a password. The link is shown this once."""

    invitation: Invitation


def view(user: User) -> UserView:
    return UserView.model_validate(_shown(user))


def invited(user: User, invitation: Invitation) -> InvitedUser:
    return InvitedUser.model_validate({**_shown(user), "invitation": invitation})


def _shown(user: User) -> dict[str, object]:
    return {
        "id": user.user,
        "number": int(user.number),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "state": user.state,
        "created_at": user.created_at,
        "last_login_at": user.last_login_at,
    }


def listed(tenant: str) -> str:
    """The partition of index 1 that lists the tenant's users."""
    return f"USERS#{tenant}"


def get(tenant: str, user_id: str) -> User:
    """Raises NotFound."""
    user = User.fetch(*User.key(tenant, user_id)) if ids.is_id(user_id, "usr") else None
    if user is None:
        raise NotFound("There is no such user.")
    return user


def by_email(email: str) -> User | None:
    """The user of an address, in whichever tenant."""
    login = Login.fetch(*Login.key(email))
    return User.fetch(*User.key(login.tenant, login.user)) if login else None


def rows(tenant: str, new: NewUser, user_id: str, number: int, now: datetime, salt: str) -> tuple[User, Login]:
    """The two rows of an invited user; they are only ever written in one transaction."""
    user = User(
        *User.key(tenant, user_id), gsi1pk=listed(tenant), gsi1sk=f"{clock.iso(now)}#{user_id}", tenant=tenant,
        user=user_id, number=number, email=new.email, name=new.name, role=new.role, state="invited", session=1,
        salt=salt, created_at=now,
    )  # fmt: skip
    return user, Login(*Login.key(new.email), tenant=tenant, user=user_id)


def invite(tenant: str, new: NewUser, *, user_id: str, credential: str, now: datetime) -> tuple[User, Invitation]:
    """Add a user who has no password yet. The same `user_id` again is the same invitation. Raises EmailTaken."""
    user = User.fetch(*User.key(tenant, user_id))
    if user is not None:
        return user, links.again(user, credential)
    number = next_number(tenant, "user")
    user, login = rows(tenant, new, user_id, number, now, links.salt())
    invitation, row = links.made(user, "invitation", credential)
    try:
        Transaction().create(user).create(login).create(row).commit()
    except TransactionRefused as refused:
        raise EmailTaken(f"{new.email} belongs to a user already. Use another address.") from refused
    return user, invitation


def renew(tenant: str, user_id: str, *, credential: str, cause: str) -> tuple[User, Invitation]:
    """A new link for someone who has not accepted yet; older links stay valid until they expire. The same `cause`
    with the same credential is the same link. Raises AlreadyAccepted."""
    user = get(tenant, user_id)
    if user.state != "invited":
        raise AlreadyAccepted("This user has accepted. Lost passwords are reset at /v1/auth/request-password-reset.")
    invitation, row = links.made(user, "invitation", credential, cause)
    row.save(add_version_condition=False)
    return user, invitation


def require_grantable(role: str, roles: Mapping[str, frozenset[str]], held: Iterable[str]) -> None:
    """Refuse to give a role that can do what the caller cannot. Raises Forbidden."""

    lacking = missing(held, roles[role])
    if lacking:
        raise Forbidden(f"The role {role} has scopes that you lack: {', '.join(lacking)}. Ask an administrator.")


def change(tenant: str, user_id: str, wanted: UserChange) -> User:
    """Change a user. Raises NotFound, LastAdmin, NotAccepted."""
    return table.retried(lambda: _changed(tenant, user_id, wanted))


def _changed(tenant: str, user_id: str, wanted: UserChange) -> User:
    user = get(tenant, user_id)
    said = wanted.model_dump(exclude_unset=True)
    if wanted.state is not None and user.state == "invited":
        raise NotAccepted("This user has not accepted the invitation. Delete the user to take the invitation back.")
    actions: list[Action] = []
    if "name" in said:
        actions.append(User.name.set(wanted.name) if wanted.name else User.name.remove())
    if wanted.role is not None:
        actions.append(User.role.set(wanted.role))
    if wanted.state is not None and wanted.state != user.state:
        actions.append(User.state.set(wanted.state))
        if wanted.state == "inactive":
            actions.append(User.session.set(User.session + 1))
    if actions:
        stays = (wanted.role or user.role) == "admin" and (wanted.state or user.state) == "active"
        still = (User.state == user.state) & (User.role == user.role)
        _commit(user, stays, lambda: Transaction().update(User, user.pk, user.sk, actions, still))
    return get(tenant, user_id)


def delete(tenant: str, user_id: str) -> User:
    """Delete a user, whose address is free from then on. Raises NotFound, LastAdmin."""
    return table.retried(lambda: _deleted(tenant, user_id))


def _deleted(tenant: str, user_id: str) -> User:
    user = get(tenant, user_id)
    still = (User.state == user.state) & (User.role == user.role)
    claim = Login.key(user.email)
    _commit(
        user,
        False,
        lambda: Transaction().delete(User, user.pk, user.sk, still).delete(Login, *claim, Login.user == user_id),
    )
    return user


def _commit(user: User, stays_admin: bool, transaction: Callable[[], Transaction]) -> None:
    """Commit a change of a user; one that takes an administrator away also requires that another one remains.

    Raises ConditionFailed when the user was changed meanwhile, and LastAdmin."""
    if stays_admin or user.role != "admin" or user.state != "active":
        others: Iterator[User | None] = iter([None])
    else:
        others = _other_admins(user)
    for other in others:
        prepared = transaction()
        if other is not None:
            prepared.check(User, other.pk, other.sk, (User.role == "admin") & (User.state == "active"))
        try:
            prepared.commit()
            return
        except TransactionRefused as refused:
            if refused.found[0] is not None:
                raise ConditionFailed(refused.found[0]) from refused
    raise LastAdmin("This is the only active administrator. Make someone else one first.")


def _other_admins(user: User) -> Iterator[User]:
    """Administrators of the tenant besides this one, as they were a moment ago."""
    keys = table.keys_in_index(1, listed(user.tenant), newest_first=False)
    while batch := [(pk, sk) for pk, sk, _ in islice(keys, table.MOST_IN_BATCH_GET)]:
        for other in User.many(batch):
            if other.user != user.user and other.role == "admin" and other.state == "active":
                yield other
