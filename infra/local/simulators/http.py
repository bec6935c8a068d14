"""Requests and replies as the simulators' routes see them."""

from __future__ import annotations

import itertools
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

    def partial_failures(self, count: int) -> dict[int, str]:
        """The entries of a bulk call that a `partial` fault fails, with their statuses: at least one, never all of
        several."""
        if self.fault is None or self.fault.kind != "partial":
            return {}
        number = min(max(1, round(count * self.fault.share)), max(count - 1, 1))
        chosen = random.Random(f"{self.fault.seed}:{self.fault.hits}").sample(range(count), number)
        return dict(zip(sorted(chosen), itertools.cycle(self.fault.statuses), strict=False))

    @property
    def is_silent(self) -> bool:
        """Nobody will ever hear of what this call accepts."""
        return self.fault is not None and self.fault.kind == "silent"


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
