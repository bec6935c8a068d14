"""What a credential may know of itself."""

from typing import Literal

from drumbeat.accounts import keys, settings, users
from drumbeat.fields import View


class Self(View):
    """The user or API key that asks."""

    kind: Literal["user", "api_key"]
    id: str
    name: str | None
    email: str | None
    role: str | None


class Company(View):
    id: str
    name: str
    slug: str


class Me(View):
    """Who asks, for which tenant, with which scopes, and how many requests of each class a minute."""

    actor: Self
    tenant: Company
    scopes: list[str]
    limits: dict[str, int]


def of(tenant: str, actor: str) -> tuple[Self, Company]:
    """`actor` as the edge names it: a user's id, or `key:` and a key's."""
    row = settings.stored(tenant)
    company = Company(id=row.tenant, name=row.name, slug=row.slug)
    kind, _, key_id = actor.rpartition(":")
    if kind:
        key = keys.get(tenant, key_id)
        return Self(kind="api_key", id=key.key_id, name=key.name, email=None, role=None), company
    user = users.get(tenant, actor)
    return Self(kind="user", id=user.user, name=user.name, email=user.email, role=user.role), company
