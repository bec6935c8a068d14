"""A tenant of its own for a test on the deployed stack, and waiting for what happens in the background."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx

from infra.local import fixtures
from infra.local.stack import Stack

T = TypeVar("T")
# The machine may be busy: it is only waited so long when something is wrong.
PATIENCE = 90.0
TEMPLATE = """<h1>Hello {{ first_name | default: "you" }}</h1>
<p><a href="https://shop.acme.example/one">One</a> <a href="https://shop.acme.example/two">Two</a>
<a href="https://shop.acme.example/three">Three</a></p>
<p><a href="{{ unsubscribe_url }}">Unsubscribe</a> {{ postal_address }}</p>"""


def until(what: str, look: Callable[[], T], good: Callable[[T], Any] = bool, patience: float = PATIENCE) -> T:
    """Look again and again until it is good; gives what was seen. Fails with what was seen last."""
    end = time.monotonic() + patience
    while not good(found := look()):
        assert time.monotonic() < end, f"{what}: after {patience:.0f} s still {found}"
        time.sleep(0.25)
    return found


@dataclass(frozen=True)
class Company:
    """A tenant, and a client with a key that may do everything. `get`, `post` … give the answer's data, or fail."""

    tenant: str
    api: httpx.Client

    def get(self, path: str, **query: Any) -> Any:
        return self._data("GET", path, params=query)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._data("POST", path, json=body, headers=headers)

    def patch(self, path: str, body: Any) -> Any:
        return self._data("PATCH", path, json=body)

    def _data(self, method: str, path: str, **rest: Any) -> Any:
        reply = self.api.request(method, path, **rest)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json()["data"]

    def all(self, path: str, **query: Any) -> list[Any]:
        """Every item of a list, page by page."""
        items, cursor = [], ""
        while cursor is not None:
            page = self.get(path, limit=100, **query, **({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page["next_cursor"]
        return items

    def campaign(self, name: str, **more: Any) -> str:
        """A draft to everyone."""
        body = {"name": name, "subject": name, "html": TEMPLATE, "audience": {"everyone": True}, **more}
        return str(self.post("/v1/campaigns", body)["id"])

    def send(self, campaign: str, addresses: list[str]) -> str:
        """Launch to people whom the request names; gives the send's id."""
        return str(self.post(f"/v1/campaigns/{campaign}/send", [{"email": one} for one in addresses])["send_id"])

    def results(self, campaign: str) -> Any:
        return self.get(f"/v1/campaigns/{campaign}/performance")

    def finished(self, campaign: str) -> Any:
        """Wait until the campaign is sent; gives its results then."""
        return until("status sent", lambda: self.results(campaign), lambda now: now["status"] == "sent")

    def closed(self, campaign: str, recipients: int) -> Any:
        """Wait until it is known of so many recipients what became of each, which is some seconds before `sent`."""
        return until(
            f"{recipients} recipients, none of them open", lambda: self.results(campaign),
            lambda now: (now["recipients"], now["open"]) == (recipients, 0),
        )  # fmt: skip

    def by_email(self, address: str) -> Any:
        """The contact with this address; None when there is none."""
        return next(iter(self.get("/v1/contacts", email=address)["items"]), None)

    def consent(self, address: str) -> str:
        return str(self.by_email(address)["consent"]["email"]["status"])

    def suppressed(self, address: str) -> str | None:
        """Why the address is suppressed; None when it is not."""
        reply = self.api.get(f"/v1/suppressions/{address}")
        return reply.json()["data"]["reason"] if reply.status_code == 200 else None


@contextmanager
def founded(stack: Stack, name: str) -> Iterator[Company]:
    """A new tenant, made as the operator does."""
    wanted = {**fixtures.TENANT, "name": name, "tenant_id": f"ten_{name}", "admin_email": f"admin@{name}.example"}
    made = fixtures.invoke(stack, fixtures.CREATE_TENANT, wanted)
    with company(stack, str(made["tenant"]), str(made["api_key"])) as shop:
        yield shop


@contextmanager
def company(stack: Stack, tenant: str, api_key: str) -> Iterator[Company]:
    """A tenant that is there already."""
    with httpx.Client(base_url=stack.api_url, headers={"X-API-Key": api_key}, timeout=60) as api:
        yield Company(tenant, api)
