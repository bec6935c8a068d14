"""People who sign in."""

from dataclasses import dataclass
from typing import Any

from tests.harness import Reply
from tests.world import World

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Person:
    """A user, as a client knows one."""

    world: World
    id: str
    email: str

    def login(self, password: str = PASSWORD, **more: Any) -> Reply:
        return self.world.call("accounts.login", tenant=None, body={"email": self.email, "password": password}, **more)

    def token(self) -> str:
        return str(self.login().data["token"])


def person(world: World, email: str, role: str, tenant: str = "acme") -> Person:
    """Invite someone, who accepts."""
    user = world.call("accounts.create_user", tenant=tenant, body={"email": email, "role": role}).data
    body = {"token": user["invitation"]["token"], "password": PASSWORD}
    assert world.call("accounts.accept_invitation", tenant=None, body=body).status == 200
    return Person(world, user["id"], email)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def me(world: World, token: str) -> Reply:
    """Whoever the token says."""
    return world.call("accounts.get_me", tenant=None, headers=bearer(token))
