"""Refusals: what the API says when it does not do what was asked. Each carries its HTTP status and its stable code.

A refusal tells the caller what to do next. Anything that is not a `Refusal` is a fault of ours and becomes a 500
with a fixed sentence; its text never leaves the log.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Detail(NamedTuple):
    """One bad field: where it is (`content.subject`, `conditions[1].value`) and what would be right."""

    field: str
    message: str


class Refusal(Exception):
    """A request that is understood and not carried out."""

    status = 400
    code = "BAD_REQUEST"

    def __init__(self, message: str, details: Sequence[Detail] = (), headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)
        self.headers = headers or {}


class MalformedBody(Refusal):
    status, code = 400, "MALFORMED_BODY"


class Unauthorized(Refusal):
    status, code = 401, "UNAUTHORIZED"


class Forbidden(Refusal):
    status, code = 403, "FORBIDDEN"


class NotFound(Refusal):
    """Also for what belongs to another tenant: its existence is nobody else's business."""

    status, code = 404, "NOT_FOUND"


class Conflict(Refusal):
    status, code = 409, "CONFLICT"


class Invalid(Refusal):
    """The body or the query is well-formed but wrong; `details` names every bad field at once."""

    status, code = 422, "VALIDATION_ERROR"

    @classmethod
    def field(cls, field: str, message: str) -> "Invalid":
        return cls("Some fields are not valid; see details.", [Detail(field, message)])


class RateLimited(Refusal):
    status, code = 429, "RATE_LIMIT_EXCEEDED"


class Unavailable(Refusal):
    """Something that we depend on is down; the same request may be sent again later."""

    status, code = 503, "SERVICE_UNAVAILABLE"
