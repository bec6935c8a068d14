"""The documented APIs of the systems that Drumbeat replaces.

Handlers know only the canonical API; a dialect module lists rows: documented route → function, how a documented request
becomes canonical, how a canonical answer becomes documented. It has `ROWS`, and may have
`success(data, message, request_id, at)` and `failure(refusal, request_id, at)`, which shape the whole body; without
them the body is the bare data, and errors have the canonical envelope.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's path parameters, query and JSON body (None without one)."""

    path: dict[str, str]
    query: dict[str, str]
    body: Any


def _same(asked: Asked) -> Asked:
    return asked


def _bare(data: Any, asked: Asked) -> Any:
    return data


@dataclass(frozen=True, slots=True)
class Row:
    """One documented request.

    `request` may raise Invalid in documented names; `fields` translates canonical names in errors to documented ones.
    `reply` gets the canonical data as plain JSON values and what was asked.
    """

    route: str
    function: str
    request: Callable[[Asked], Asked] = _same
    reply: Callable[[Any, Asked], Any] = _bare
    status: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
