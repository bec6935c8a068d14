"""The simulated mail provider, as tests make it misbehave and ask what really happened."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from infra.local.stack import Stack


@dataclass(frozen=True)
class Provider:
    """The simulator's own side of a comparison."""

    http: httpx.Client

    def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        reply = self.http.request(method, path, json=body, params=query)
        assert reply.is_success, f"{method} {path}: {reply.status_code} {reply.text}"
        return reply.json()

    def truth(self, send: str) -> Any:
        """What became of the mails of a send, with addresses."""
        groups = self.ask("GET", "/truth", tag="send", value=send, addresses="true")["groups"]
        return groups.get(send, {"accepted": 0, "recipients": 0, "duplicates": 0, "addresses": {"accepted": []}})

    def mails(self, send: str) -> list[Any]:
        """The mails of a send with their links, oldest first; at most 1,000."""
        found = self.ask("GET", "/mailbox.json", tag=f"send:{send}", order="asc", links="true", limit=1000)
        return list(found["mails"])

    def fail(self, *faults: dict[str, Any]) -> None:
        """Faults of bulk calls, in this order."""
        for fault in faults:
            self.ask("POST", "/faults", {"operation": "SendBulkEmail", **fault})

    def struck(self) -> dict[str, int]:
        """How often each kind of fault struck."""
        return {fault["kind"]: fault["hits"] for fault in self.ask("GET", "/faults")["faults"]}

    def script(self, *rules: dict[str, Any]) -> None:
        self.ask("POST", "/script", {"rules": list(rules)})

    def pending(self) -> int:
        """Events that were not told yet."""
        return int(self.ask("GET", "/health")["pending_events"])

    def rate(self, recipients_a_second: float) -> None:
        self.ask("PUT", "/config", {"ses": {"max_send_rate": recipients_a_second}})

    def behave(self) -> None:
        """No more faults, no script, the rate of a large account."""
        self.ask("DELETE", "/faults")
        self.ask("DELETE", "/script")
        self.rate(10_000.0)


@contextmanager
def provider(stack: Stack) -> Iterator[Provider]:
    """The provider, which behaves again in the end."""
    with httpx.Client(base_url=stack.simulators_url, timeout=60) as http:
        simulated = Provider(http)
        yield simulated
        simulated.behave()
