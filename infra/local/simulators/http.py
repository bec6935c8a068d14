"""Requests and replies as the simulators' routes see them."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from typing import Any

from .faults import Fault


@dataclass
class Request:
    """`query` has the last value of each name, `params` the parts of the path, `fault` what the route acts out."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    params: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None

    def partial_failures(self, count: int) -> set[int]:
        """The entries of a bulk call that a `partial` fault fails: at least one, never all of several."""
        if self.fault is None or self.fault.kind != "partial":
            return set()
        number = min(max(1, round(count * self.fault.share)), max(count - 1, 1))
        return set(random.Random(f"{self.fault.seed}:{self.fault.hits}").sample(range(count), number))


@dataclass
class Reply:
    """An answer; `headers` beside the content type."""

    body: bytes = b""
    status: int = 200
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """A JSON answer."""
        return Reply(json.dumps(value, separators=(",", ":")).encode(), status, "application/json", headers or {})

    @staticmethod
    def html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
        """A page."""
        return Reply(text.encode("utf-8", "replace"), status, "text/html; charset=utf-8", headers or {})
