"""What a rule gives, and how it leaves: the envelope, or a page, a pixel, a redirect."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic

from typing_extensions import TypeVar  # with a default: `Answer` alone is an answer with anything

from drumbeat import clock
from drumbeat.errors import Refusal

JSON_TYPE = "application/json; charset=utf-8"

T = TypeVar("T", default=Any)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Data with something said about it. A rule that has nothing to say returns the data itself.

    An answer with a `secret` is not stored for its Idempotency-Key: the rule must give the same one again.
    """

    data: T
    message: str | None = None
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is no JSON envelope: a page, a pixel, a redirect."""

    body: str | bytes = ""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def envelope(data: Any, message: str | None, request_id: str, at: datetime) -> dict[str, Any]:
    """The body of a success."""
    return {
        "success": True,
        "data": data,
        "message": message or "OK",
        "timestamp": clock.iso(at),
        "request_id": request_id,
    }


def refused(refusal: Refusal, request_id: str, at: datetime) -> dict[str, Any]:
    """The body of a refusal: what is wrong, and with which fields."""
    details = [{"field": detail.field, "message": detail.message} for detail in refusal.details]
    return {
        "success": False,
        "data": None,
        "message": refusal.message,
        "error": {"code": refusal.code, "message": refusal.message, "details": details},
        "error_code": refusal.code,
        "timestamp": clock.iso(at),
        "request_id": request_id,
    }


def compact(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def response(status: int, body: str | bytes, headers: Mapping[str, str], content_type: str) -> dict[str, Any]:
    encoded = isinstance(body, bytes)
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, **headers},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": encoded,
    }
