"""Scripted faults of requests: what a caller must survive, on demand and repeatable by seed."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field, fields
from typing import Any

from .config import BadConfig
from .ses_rules import FAILURES

KINDS = {
    "429": "refused, nothing accepted",
    "500": "failed, nothing accepted",
    "500_accepted": "accepted, then answered 500",
    "timeout": "no answer for `seconds`, nothing accepted",
    "timeout_accepted": "accepted, then no answer for `seconds`",
    "reset": "connection reset, nothing accepted",
    "reset_accepted": "accepted, then the connection reset",
    "slow": "answered rightly after `seconds`",
    "partial": "some entries of a bulk call fail, each with the next of `statuses`",
    "silent": "accepted and answered rightly, and no event ever tells of it",
}
OPERATIONS = (
    "SendBulkEmail", "SendEmail", "GetAccount", "CreateEmailIdentity", "GetEmailIdentity", "CreateTenant",
    "CreateConfigurationSet", "MailSend", "CreateMessage", "ListMessages", "GetCustomer",
    "BatchCustomers", "ReceiveHook", "*",
)  # fmt: skip


@dataclass
class Fault:
    """`operation` may be `*`. With `count` it strikes the first so many requests, with `rate` a seeded share of them.

    It wakes `after_s` seconds after it was posted. `share` is the part of the entries that `partial` fails, `statuses`
    what SES says of them. `retry_after` is the header of that name of a 429, in seconds; 0 for none, as SES has it.
    """

    operation: str
    kind: str
    count: int = 0
    rate: float = 0.0
    seed: int = 0
    after_s: float = 0.0
    seconds: float = 30.0
    share: float = 0.5
    statuses: list[str] = field(default_factory=lambda: ["TRANSIENT_FAILURE"])
    retry_after: float = 0.0
    hits: int = 0
    seen: int = 0
    active_at: float = 0.0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def strikes(self, operation: str, now: float) -> bool:
        """Asked once for each request."""
        if self.operation not in (operation, "*") or now < self.active_at:
            return False
        self.seen += 1
        if self.count and self.hits >= self.count:
            return False
        if self.rate and self.chance.random() >= self.rate:
            return False
        self.hits += 1
        return True


def fault_of(values: dict[str, Any], now: float) -> Fault:
    """A fault from JSON; BadConfig says what is wrong."""
    known = {item.name for item in fields(Fault)} - {"hits", "seen", "active_at", "chance"}
    if unknown := values.keys() - known:
        raise BadConfig(f"unknown in a fault: {', '.join(sorted(unknown))}")
    if values.get("kind") not in KINDS:
        raise BadConfig(f"kind is one of {', '.join(KINDS)}")
    if values.get("operation") not in OPERATIONS:
        raise BadConfig(f"operation is one of {', '.join(OPERATIONS)}")
    if "seconds" not in values and values["kind"] == "slow":
        values = {**values, "seconds": 2.0}
    fault = Fault(**values)
    if not isinstance(fault.statuses, list) or not fault.statuses or set(fault.statuses) - set(FAILURES):
        raise BadConfig(f"statuses are some of {', '.join(FAILURES)}")
    if not fault.count and not fault.rate:
        raise BadConfig("a fault needs a count or a rate")
    fault.active_at = now + fault.after_s
    fault.chance = random.Random(fault.seed)
    return fault


class Faults:
    """The faults in force; the first that strikes is taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, values: dict[str, Any], now: float) -> None:
        """Append a fault."""
        fault = fault_of(values, now)
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """End all faults."""
        with self._lock:
            self._faults = []

    def take(self, operation: str, now: float) -> Fault | None:
        """The fault that strikes this request, or None."""
        if not self._faults:
            return None
        with self._lock:
            return next((fault for fault in self._faults if fault.strikes(operation, now)), None)

    def as_json(self) -> list[dict[str, Any]]:
        """The faults with how often they struck."""
        hidden = ("chance", "active_at")
        return [{f.name: getattr(one, f.name) for f in fields(Fault) if f.name not in hidden} for one in self._faults]
