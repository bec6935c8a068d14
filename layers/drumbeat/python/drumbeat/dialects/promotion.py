"""promotion-engine.md: `/v1` (and `/api/v1`), snake_case, an envelope, and error codes of its own."""

from typing import Any

from drumbeat.dialects import Asked, Row
from drumbeat.errors import Refusal

# Canonical codes by the names of the document's table (Common Error Codes).
CODES = {"VALIDATION_ERROR": "INVALID_REQUEST_DATA"}


def success(data: Any, message: str | None, request_id: str, at: str) -> dict[str, Any]:
    return {"success": True, "data": data, "message": message or "OK", "timestamp": at, "request_id": request_id}


def failure(refusal: Refusal, request_id: str, at: str) -> dict[str, Any]:
    """The document's Standard Error Response, with `error_code` as its example of an unknown code has it."""
    code = CODES.get(refusal.code, refusal.code)
    return {
        "success": False,
        "data": None,
        "message": refusal.message,
        "error": _exceeded(refusal) if code == "RATE_LIMIT_EXCEEDED" else _error(code, refusal),
        "error_code": code,
        "timestamp": at,
        "request_id": request_id,
    }


def _error(code: str, refusal: Refusal) -> dict[str, Any]:
    """`field` is the first bad field; all of them are in `details` as text, and in `fields` for programs."""
    error: dict[str, Any] = {"code": code, "details": refusal.message}
    if refusal.details:
        error["details"] = "; ".join(f"{detail.field}: {detail.message}" for detail in refusal.details)
        error["field"] = refusal.details[0].field
        error["fields"] = [{"field": detail.field, "message": detail.message} for detail in refusal.details]
    return error


def _exceeded(refusal: Refusal) -> dict[str, Any]:
    """Rate Limit Exceeded Response."""
    return {
        "code": "RATE_LIMIT_EXCEEDED",
        "limit": int(refusal.headers.get("X-RateLimit-Limit", "0")),
        "window": "1 minute",
        "retry_after": int(refusal.headers.get("Retry-After", "1")),
    }


def _signed_in(data: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """The document shows a user's id as a number."""
    user = data["user"]
    shown = {"id": user["number"], "user_id": user["id"], "email": user["email"], "role": user["role"]}
    return {**data, "user": shown}


ROWS = (
    Row("POST /v1/auth/login", "accounts.login", reply=_signed_in),
    Row("POST /api/v1/auth/login", "accounts.login", reply=_signed_in),
)
