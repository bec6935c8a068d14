"""Tenants: made and changed by the operator only."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from drumbeat import ids, slugs, table
from drumbeat.accounts import keys, links, passwords, settings, users
from drumbeat.accounts.keys import NewKey
from drumbeat.accounts.links import Invitation
from drumbeat.accounts.model import ApiKey, Tenant, User, next_number
from drumbeat.accounts.settings import Address, SenderName, SettingsChange
from drumbeat.accounts.users import NewUser
from drumbeat.errors import Conflict, Invalid, NotFound
from drumbeat.fields import Body, Name, Text, View
from drumbeat.slugs import Slug
from drumbeat.table import Transaction, TransactionRefused

# Names of tenants are claimed as if one tenant of this id had them all; no tenant's id looks like it.
OPERATOR = "operator"
TenantId = Annotated[str, StringConstraints(pattern=r"^ten_[A-Za-z0-9]{1,40}$")]
Limits = Annotated[dict[str, Annotated[int, Field(ge=1, le=100_000_000)]], Field(max_length=20)]


class SlugTaken(Conflict):
    code = "SLUG_TAKEN"


class NewTenant(Body):
    """A company to make an account for. `tenant_id` makes the request repeatable; `slug` is the name if left out."""

    name: SenderName
    slug: Name | None = None
    settings: SettingsChange = SettingsChange()
    limits: Limits = Field(default_factory=dict)
    admin_email: Address | None = None
    tenant_id: TenantId | None = None
    new_api_key: bool = False


class CreatedTenant(View):
    """The tenant, its first API key (all scopes, shown once), and how its administrator gets in.

    `api_key` and `invitation` are null when the tenant was there already: `new_api_key` asks for another key.
    """

    tenant: str
    name: str
    slug: str
    created: bool
    api_key: str | None
    invitation: Invitation | None


class TenantChange(Body):
    """What the operator changes of a tenant; fields left out stay. `limits` are merged by class."""

    tenant_id: TenantId
    name: Name | None = None
    limits: Limits | None = None
    active: bool | None = None


class TenantView(View):
    tenant: str
    name: str
    slug: str
    active: bool
    limits: dict[str, int]


class OperatorPassword(Body):
    """A password that the operator sets for a user, who is active from then on. `weak` allows one that is too short."""

    email: Address
    password: Text = Field(min_length=1, max_length=passwords.MOST)
    weak: bool = False


def create(wanted: NewTenant, now: datetime) -> CreatedTenant:
    """Make a tenant with an administrator's key. Raises SlugTaken, EmailTaken."""
    slug = slugs.of(wanted.slug or wanted.name)
    if not slug:
        raise Invalid.field("slug", "must have letters or digits")
    tenant_id = wanted.tenant_id or f"ten_{ids.new('ten')[4:]}"
    held = Tenant.fetch(*Tenant.key(tenant_id))
    if held is not None:
        return _again(held, wanted, now)
    chosen = {"sender_name": wanted.name, **wanted.settings.said()}
    row = Tenant(
        *Tenant.key(tenant_id), gsi1pk="TENANTS#all", gsi1sk=tenant_id, tenant=tenant_id, name=wanted.name, slug=slug,
        active=True, settings=chosen, limits=wanted.limits, created_at=now,
    )  # fmt: skip
    key, secret = _key(tenant_id, now)
    name = Slug(*Slug.key(OPERATOR, "tenant", slug), target=tenant_id)
    transaction = Transaction().create(row).create(name).create(key)
    invitation = _admin(transaction, tenant_id, wanted.admin_email, now) if wanted.admin_email else None
    try:
        transaction.commit()
    except TransactionRefused as refused:
        if refused.found[1] is not None:
            raise SlugTaken(f"A tenant {slug!r} is there already. Choose another slug.") from refused
        if refused.found[0] is not None:
            return create(wanted, now)
        raise users.EmailTaken(f"{wanted.admin_email} belongs to a user already. Use another address.") from refused
    shown = keys.created(key, secret).key
    return CreatedTenant(
        tenant=tenant_id, name=wanted.name, slug=slug, created=True, api_key=shown, invitation=invitation
    )


def _admin(transaction: Transaction, tenant_id: str, email: str, now: datetime) -> Invitation:
    new = NewUser(email=email, role="admin")
    user, login = users.rows(tenant_id, new, ids.new("usr"), next_number(tenant_id, "user"), now, links.salt())
    invitation, row = links.made(user, "invitation", "")
    transaction.create(user).create(login).create(row)
    return invitation


def _key(tenant_id: str, now: datetime) -> tuple[ApiKey, str]:
    wanted = NewKey(name="Administrator", scopes=["*"])
    return keys.row(tenant_id, wanted, keys.key_id(ids.new("key")), "", "operator", now)


def _again(held: Tenant, wanted: NewTenant, now: datetime) -> CreatedTenant:
    """The tenant that was made by an earlier request with this id."""
    shown = None
    if wanted.new_api_key:
        key, secret = _key(held.tenant, now)
        key.create()
        shown = keys.created(key, secret).key
    return CreatedTenant(
        tenant=held.tenant, name=held.name, slug=held.slug, created=False, api_key=shown, invitation=None
    )


def all_ids() -> Iterator[str]:
    """The ids of all tenants, in their order: for work that a schedule does for each of them. Reads Tenant."""
    for _, _, tenant_id in table.keys_in_index(1, "TENANTS#all", newest_first=False):
        yield tenant_id


def change(wanted: TenantChange) -> TenantView:
    """Change a tenant. Raises NotFound."""
    row = table.retried(lambda: _changed(wanted))
    return TenantView(
        tenant=row.tenant, name=row.name, slug=row.slug, active=bool(row.active),
        limits={name: int(number) for name, number in (row.limits or {}).items()},
    )  # fmt: skip


def _changed(wanted: TenantChange) -> Tenant:
    row = settings.stored(wanted.tenant_id)
    actions = []
    if wanted.name is not None:
        actions.append(Tenant.name.set(wanted.name))
    if wanted.limits is not None:
        actions.append(Tenant.limits.set({**(row.limits or {}), **wanted.limits}))
    if wanted.active is not None:
        actions.append(Tenant.active.set(wanted.active))
    if actions:
        row.change(*actions, unchanged=True)
    return row


def set_password(wanted: OperatorPassword) -> User:
    """Set a user's password and make the user active; tokens of before end. Raises NotFound, Invalid."""
    user = users.by_email(wanted.email)
    if user is None:
        raise NotFound(f"No user has the address {wanted.email}.")
    password = wanted.password if wanted.weak else passwords.accepted(wanted.password, user.email)
    user.change(
        User.password.set(passwords.hashed(password)), User.state.set("active"), User.session.set(User.session + 1)
    )
    return user
