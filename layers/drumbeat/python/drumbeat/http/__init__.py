"""The edge of the API: a Lambda event becomes typed arguments, what the rule gives becomes the envelope.

One function is one route, so there is no router. In order: request id, dialect, credential, rate limit, body,
idempotency, rule, reply. A `Refusal` becomes its status and code; anything else a 500 with a fixed sentence, and its
story goes to the log.
"""

import importlib
import json
import os
import re
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, get_type_hints

from pydantic import BaseModel

from drumbeat import limits, replies
from drumbeat.accounts.model import ApiKey, Tenant, User
from drumbeat.declare import Declaration, Files, Function, Limit, Machine, Queue, Stored, named
from drumbeat.dialects import Row
from drumbeat.fields import build, reader
from drumbeat.http import requests
from drumbeat.http.answers import JSON_TYPE, Answer, Raw, response
from drumbeat.http.call import Call, Rule
from drumbeat.http.requests import Request
from drumbeat.limits import ANALYTICS, EVENTS, LOGIN, REFERRAL, STANDARD, TRACKING, UPLOAD
from drumbeat.logs import counted, flush, logger, timed

EDGE_READS: tuple[type[Stored], ...] = (ApiKey, User, Tenant)
EDGE_WRITES: tuple[type[Stored], ...] = (limits.Rate, replies.Reply)
EDGE_PUBLIC_WRITES: tuple[type[Stored], ...] = (limits.Rate,)
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key, x-api-key, x-request-id",
    "Access-Control-Max-Age": "86400",
}


def http(
    route: str,
    *,
    scope: str | None = None,
    limit: Limit = STANDARD,
    status: int = 200,
    reads: tuple[type[Stored], ...] = (),
    writes: tuple[type[Stored], ...] = (),
    sends: tuple[Queue, ...] = (),
    publishes: tuple[str, ...] = (),
    starts: tuple[Machine, ...] = (),
    schedules: tuple[Queue, ...] = (),
    files: tuple[Files, ...] = (),
    calls: tuple[str, ...] = (),
    signs: bool = False,
    cors: bool = False,
    memory: int = 256,
    timeout: int = 15,
) -> Callable[[Callable[..., Any]], Function]:
    """Declare a route of the API. Without a `scope` it needs no credential."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="http", name=name, summary=summary, refusals=refusals, route=route, scope=scope, limit=limit,
            status=status, reads=reads, writes=writes, sends=sends, publishes=publishes, starts=starts,
            schedules=schedules, files=files, calls=calls, signs=signs, cors=cors, memory=memory, timeout=timeout,
        )  # fmt: skip
        return Function(declaration, rule, Entry(declaration, rule))

    return declared


class Entry:
    """What Lambda calls for an http function (and, without envelope or route, for a function URL)."""

    def __init__(self, declaration: Declaration, rule: Callable[..., Any]) -> None:
        hints = get_type_hints(rule, include_extras=True)  # Annotated says which member of a union is meant
        self.rule = Rule(
            declaration,
            rule,
            body=reader(hints["body"]) if "body" in hints else None,
            query=reader(hints["query"]) if "query" in hints else None,
            path=tuple(re.findall(r"{(\w+)\+?}", declaration.route or "")),
        )
        build(hints.get("return"))
        self.dialects: dict[str, str] = json.loads(os.environ.get("DIALECTS", "{}"))

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request = requests.request(event)
        row, dialect = self._dialect(event.get("routeKey", ""))
        call = Call(self.rule, event, request, row, dialect)
        cors = self.rule.declaration.cors
        answer = response(204, "", {}, JSON_TYPE) if cors and request.method == "OPTIONS" else call.answered()
        self._log(call.request, answer["statusCode"], (time.perf_counter() - started) * 1000)
        answer["headers"]["X-Request-ID"] = request.id
        if cors:
            answer["headers"].update(CORS)
        return answer

    def _dialect(self, route: str) -> tuple[Row | None, ModuleType | None]:
        name = self.dialects.get(route)
        if name is None:
            return None, None
        module = importlib.import_module(f"drumbeat.dialects.{name}")
        return next(row for row in module.ROWS if row.route == route), module

    def _log(self, request: Request, status: int, milliseconds: float) -> None:
        if status >= 500:
            counted("Faults")
        timed("Latency", milliseconds)  # how many there are is its number of samples
        logger.info(
            "request",
            extra={
                "function": self.rule.declaration.name,
                "request_id": request.id,
                "correlation_id": request.id,
                "tenant": request.tenant,
                "user_id": request.actor,
                "status": status,
                "duration_ms": round(milliseconds, 2),
            },
        )
        flush()


__all__ = [
    "ANALYTICS", "EVENTS", "LOGIN", "REFERRAL", "STANDARD", "TRACKING", "UPLOAD",
    "Answer", "BaseModel", "Raw", "Request", "http",
]  # fmt: skip
