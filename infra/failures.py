"""What the API's document says of envelopes, refusals and answers that are no JSON."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from drumbeat import errors
from drumbeat.declare import Declaration
from drumbeat.http import Raw
from drumbeat.http.call import SORRY

from infra import examples
from infra.examples import Case

LICENSE = {"name": "MIT", "identifier": "MIT"}
Shape = Callable[[int, str, str, list[dict[str, str]]], dict[str, Any] | None]

_TEXT = {"type": "string"}
_FRAME = {"message": _TEXT, "timestamp": {"type": "string", "format": "date-time"}, "request_id": _TEXT}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Error",
    "description": "A refusal: nothing was done.",
    "properties": {
        "success": {"const": False},
        "data": {"type": "null"},
        "error": {
            "type": "object",
            "properties": {
                "code": _TEXT,
                "message": _TEXT,
                "details": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"field": _TEXT, "message": _TEXT},
                        "required": ["field", "message"],
                    },
                },
            },
            "required": ["code", "message", "details"],
        },
        "error_code": _TEXT,
        **_FRAME,
    },
    "required": ["success", "data", "message", "error", "error_code", "timestamp", "request_id"],
}
MESSAGES: dict[int, tuple[str, str, str]] = {
    400: (errors.MalformedBody.code, "The body is not valid JSON", "The body is not valid JSON: EOF while parsing."),
    401: (
        errors.Unauthorized.code,
        "No credential, or one that is unknown, expired or revoked",
        "Send an API key in X-API-Key, or a token in Authorization: Bearer.",
    ),
    403: (
        errors.Forbidden.code,
        "The credential lacks the scope",
        "This needs the scope contacts:write. Ask an administrator for it, or use another API key.",
    ),
    404: (errors.NotFound.code, "There is no such thing, or it is another tenant's", "There is nothing of this id."),
    409: (
        errors.Conflict.code,
        "Something else stands against it, or a request with this Idempotency-Key is being answered",
        "It is not in a state for that.",
    ),
    410: ("GONE", "It was there, and is no more", "It is no more."),
    413: ("TOO_LARGE", "The body is too large", "The body is too large."),
    422: (errors.Invalid.code, "Fields that are not valid, each named", "Some fields are not valid; see details."),
    429: (
        errors.RateLimited.code,
        "Too many requests in this minute; `Retry-After` says when to try again",
        "At most 100 requests a minute. Try again in 12 seconds.",
    ),
    500: ("INTERNAL_ERROR", "A fault of ours", SORRY),
    503: (errors.Unavailable.code, "Something that we depend on is down; try again later", "Please try again later."),
}


def envelope(data: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an answer with this data."""
    properties = {"success": {"const": True}, "data": dict(data), **_FRAME}
    return {"type": "object", "properties": properties, "required": list(properties)}


def statuses(declared: Declaration, types: Mapping[str, Any]) -> list[int]:
    """Which refusals a caller may meet: those of every route, those of its shape, those that its docstring names."""
    found = {429, 500, *(int(code) for code in re.findall(r"\b(4\d\d|503)\b", declared.refusals))}
    route = declared.route or ""
    if "body" in types:
        found |= {400, 422}
    if "query" in types:
        found.add(422)
    if declared.scope:
        found |= {401, 403}
        if route.startswith("POST"):
            found |= {409, 422}
    if "{" in route and declared.scope:
        found.add(404)
    return sorted(found)


def responses(declared: Declaration, types: Mapping[str, Any], cases: Iterable[Case], shape: Shape) -> dict[str, Any]:
    """The refusals of an operation by status, with the event files' examples where there are some."""
    by_status: dict[int, list[Case]] = {status: [] for status in statuses(declared, types)}
    for case in cases:
        if case.status >= 400:
            by_status.setdefault(case.status, []).append(case)
    pages = _pages(declared, types)
    return {
        str(status): _or_page(shown) if status in pages else _response(status, shown, shape)
        for status, shown in sorted(by_status.items())
    }


def _pages(declared: Declaration, types: Mapping[str, Any]) -> set[int]:
    """The refusals that people see as a page: those of links in mails, which their docstrings name."""
    if types["answer"] is not Raw or declared.scope is not None:
        return set()
    return {400, 404} & set(statuses(declared, types))


def _or_page(cases: list[Case]) -> dict[str, Any]:
    """A refusal as a page; what is no address at all is refused as everywhere, before there is a page."""
    said = next((str(case.response["contains"]) for case in cases if "contains" in case.response), "<!doctype html>…")
    usual = USUAL[name(404)]["content"]
    return {
        "description": "A page that says so",
        "content": {"text/html": {"schema": _TEXT, "example": said}, **usual},
    }


def _response(status: int, cases: list[Case], shape: Shape) -> dict[str, Any]:
    plain = shape(status, "", "", []) is None
    if plain and not cases and status in MESSAGES:
        return {"$ref": f"#/components/responses/{name(status)}"}
    says = MESSAGES.get(status, ("REFUSED", "Refused", "This cannot be done."))[1]
    shown = {
        case.name: {"summary": case.summary, "value": _body(status, case, shape)}
        for case in cases
        if isinstance(case.response.get("body", {}), dict)
    }
    shown = shown or {"usual": {"summary": says, "value": _body(status, None, shape)}}
    first = next(iter(shown.values()))["value"]
    schema = {"$ref": "#/components/schemas/Error"} if plain and "error" in first else examples.inferred(first)
    return {"description": says, "content": {"application/json": {"schema": schema, "examples": shown}}}


def _body(status: int, case: Case | None, shape: Shape) -> dict[str, Any]:
    code, _, message = MESSAGES.get(status, ("REFUSED", "Refused", "This cannot be done."))
    wanted: Mapping[str, Any] = case.response.get("body", {}) if case else {}
    code = wanted.get("error_code") or code
    message = wanted.get("message", message)
    named = case is None or (isinstance(wanted.get("error"), dict) and "details" in wanted["error"])
    details = [{"field": "name", "message": "Field required"}] if status == 422 and named else []
    body = shape(status, code, message, details) or {
        "success": False,
        "data": None,
        "message": message,
        "error": {"code": code, "message": message, "details": details},
        "error_code": code,
        "timestamp": examples.INSTANT,
        "request_id": examples.REQUEST_ID,
    }
    result: dict[str, Any] = examples.overlaid(body, dict(wanted))
    return result


def name(status: int) -> str:
    """Of a refusal among the document's shared responses: `NotFound`."""
    return MESSAGES[status][0].title().replace("_", "")


def page(case: Case | None) -> dict[str, Any]:
    """Content of an answer that is no JSON: a page, a picture, or nothing behind a redirect."""
    headers = {name.lower(): value for name, value in (case.response.get("headers", {}) if case else {}).items()}
    if case is not None and case.status in (204, 301, 302, 303, 307, 308):
        return {"headers": {"Location": {"schema": _TEXT}}} if case.status != 204 else {}
    if case is not None and "body" in case.response:
        return {"content": {"application/json": {"schema": {"type": "object"}, "example": case.response["body"]}}}
    kind = str(headers.get("content-type", "text/html")).split(";")[0].strip("<>")
    if "/" not in kind:
        kind = "text/html"
    shown = "" if case is None else str(case.response.get("contains", ""))
    example = {"example": shown or "<!doctype html>…"} if kind.startswith("text/") else {}
    schema = _TEXT if kind.startswith("text/") else {"type": "string", "contentEncoding": "base64"}
    return {"content": {kind: {"schema": schema, **example}}}


USUAL: dict[str, dict[str, Any]] = {
    name(status): {
        "description": MESSAGES[status][1],
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": _body(status, None, lambda *_: None),
            }
        },
    }
    for status in MESSAGES
}
