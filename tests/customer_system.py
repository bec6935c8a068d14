"""A customer experience system for unit tests: it answers as integration-guide.md has it, over tests.internet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from tests.internet import Asked, Internet, answer, internet

TOKEN = "cx_token_1"
ACCOUNT = "123456789012"


def profile(customer: str, **said: Any) -> dict[str, Any]:
    """A customer as the document has it."""
    preferences = {"emailOptIn": True, "smsOptIn": False, "pushOptIn": False, "frequency": "weekly", "categories": []}
    return {
        "id": customer, "email": f"{customer}@people.example", "firstName": "Ann", "lastName": "Lee",
        "preferences": preferences, "attributes": {"plan": "pro"}, "createdAt": "2025-01-01T00:00:00Z",
        "updatedAt": "2026-01-01T00:00:00Z", **said,
    }  # fmt: skip


@dataclass
class CustomerSystem:
    """The customers of each host's system, and the answers to give instead, in their order."""

    customers: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    instead: list[bytes] = field(default_factory=list)
    net: Internet = field(default_factory=Internet)

    def put(self, *profiles: dict[str, Any], host: str = "cx.acme.example") -> None:
        self.customers.setdefault(host, {}).update({one["id"]: one for one in profiles})

    @property
    def asked(self) -> list[str]:
        """Requests so far, as `GET c1` or `POST c1,c2`."""
        return [f"{one.method} {','.join(_ids(one))}" for one in self.net.asked]

    def serve(self, asked: Asked) -> bytes:
        assert asked.headers["authorization"] == f"Bearer {TOKEN}" and asked.port == 443
        if self.instead:
            return self.instead.pop(0)
        theirs = self.customers.get(asked.name or "", {})
        found = [theirs[one] for one in _ids(asked) if one in theirs]
        if asked.method == "POST":
            return answer(200, json.dumps({"customers": found}).encode())
        return answer(200, json.dumps(found[0]).encode()) if found else answer(404, b"{}")


def _ids(asked: Asked) -> list[str]:
    if asked.method == "POST":
        assert asked.target == "/api/v1/customers/batch"
        ids: list[str] = json.loads(asked.body)["ids"]
        return ids
    assert asked.target.startswith("/api/v1/customers/")
    return [unquote(asked.target.removeprefix("/api/v1/customers/"))]


@contextmanager
def customer_system() -> Iterator[CustomerSystem]:
    """One that stands on the internet of the block."""
    made = CustomerSystem()
    with internet(made.serve) as net:
        made.net = net
        yield made
