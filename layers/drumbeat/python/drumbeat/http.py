"""The edge of the API: a Lambda event becomes typed arguments, what the rule gives becomes the envelope.

One function is one route, so there is no router. In order: request id, dialect, credential, rate limit, body,
idempotency,
rule, reply. A `Refusal` becomes its status and code; anything else a 500 with a fixed sentence, and its story goes
to the log.
"""

import base64
import importlib
import json
import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import ModuleType
from typing import Any, Generic, get_type_hints
from urllib.parse import parse_qsl

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import from_json, to_jsonable_python
from typing_extensions import TypeVar  # with a default: `Answer` alone is an answer with anything

from drumbeat import access, clock, ids, limits, replies
from drumbeat.accounts.model import ApiKey, Tenant, User
from drumbeat.declare import Declaration, Files, Function, Limit, Machine, Queue, Stored, named
from drumbeat.dialects import Asked, Row
from drumbeat.errors import Detail, Forbidden, Invalid, MalformedBody, NotFound, Refusal
from drumbeat.limits import ANALYTICS, EVENTS, LOGIN, REFERRAL, STANDARD, TRACKING, UPLOAD
from drumbeat.logs import counted, flush, logger, timed

EDGE_READS: tuple[type[Stored], ...] = (ApiKey, User, Tenant)
EDGE_WRITES: tuple[type[Stored], ...] = (limits.Rate, replies.Reply)
EDGE_PUBLIC_WRITES: tuple[type[Stored], ...] = (limits.Rate,)
SORRY = "Something went wrong on our side. The request id helps us to find out what; please try again."
TENANT_NAMES = frozenset({"tenantId", "tenant_id"})
# Bytes of a path parameter: no id, slug, address or token is longer, and a key of the table could not hold much more.
MOST_PATH = 512
JSON_TYPE = "application/json; charset=utf-8"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, content-type, idempotency-key, x-api-key, x-request-id",
    "Access-Control-Max-Age": "86400",
}


T = TypeVar("T", default=Any)


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks, when, and how. `tenant` comes from the credential only; on routes without one it is empty."""

    id: str
    now: datetime
    route: str
    tenant: str = ""
    actor: str = ""
    credential: str = ""
    scopes: frozenset[str] = frozenset()
    idempotency_key: str | None = None
    ip: str = ""
    user_agent: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    raw: bytes = b""
    method: str = ""
    path: str = ""

    def new_id(self, prefix: str) -> str:
        """An id for what this request creates: always the same for the same Idempotency-Key."""
        if self.idempotency_key is None:
            return ids.new(prefix)
        return ids.derived(prefix, self.tenant, self.route, self.idempotency_key)

    def require(self, scope: str) -> None:
        """Refuse unless the credential has this scope too: for what a request asks besides its route. Raises
        Forbidden."""
        access.Caller(self.tenant, self.actor, self.credential, self.scopes).require(scope)

    def own(self, tenant: object) -> None:
        """Refuse a tenant named in a request that is not the caller's. Raises Forbidden."""
        if tenant is not None and tenant != self.tenant:
            raise Forbidden("The tenant of a request is that of its credential; leave tenantId out or send your own.")


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
        self.declaration = declaration
        self.rule = rule
        hints = get_type_hints(rule, include_extras=True)  # Annotated says which member of a union is meant
        self.body = TypeAdapter(hints["body"]) if "body" in hints else None
        self.query = TypeAdapter(hints["query"]) if "query" in hints else None
        self.path = tuple(re.findall(r"{(\w+)\+?}", declaration.route or ""))
        self.dialects: dict[str, str] = json.loads(os.environ.get("DIALECTS", "{}"))

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        started = time.perf_counter()
        request = _request(event)
        row, dialect = self._dialect(event.get("routeKey", ""))
        call = _Call(self, event, request, row, dialect)
        answer = call.answered()
        self._log(call, answer["statusCode"], (time.perf_counter() - started) * 1000)
        answer["headers"]["X-Request-ID"] = request.id
        if self.declaration.cors:
            answer["headers"].update(CORS)
        return answer

    def _dialect(self, route: str) -> tuple[Row | None, ModuleType | None]:
        name = self.dialects.get(route)
        if name is None:
            return None, None
        module = importlib.import_module(f"drumbeat.dialects.{name}")
        return next(row for row in module.ROWS if row.route == route), module

    def _log(self, call: "_Call", status: int, milliseconds: float) -> None:
        counted("Requests")
        if status >= 500:
            counted("Faults")
        timed("Latency", milliseconds)
        logger.info(
            "request",
            extra={
                "function": self.declaration.name,
                "request_id": call.request.id,
                "correlation_id": call.request.id,
                "tenant": call.request.tenant,
                "user_id": call.request.actor,
                "status": status,
                "duration_ms": round(milliseconds, 2),
            },
        )
        flush()


class _Call:
    """One request on its way through."""

    def __init__(
        self, entry: Entry, event: dict[str, Any], request: Request, row: Row | None, dialect: ModuleType | None
    ) -> None:
        self.entry, self.event, self.request, self.row, self.dialect = entry, event, request, row, dialect
        self.headers: dict[str, str] = {}
        self.secret = False
        self.asked = Asked({}, {}, None)

    def answered(self) -> dict[str, Any]:
        if self.request.method == "OPTIONS" and self.entry.declaration.cors:
            return _response(204, "", {}, JSON_TYPE)
        try:
            return self._allowed()
        except Refusal as refusal:
            return self._failed(refusal)
        except Exception:
            logger.exception("fault", extra={"function": self.entry.declaration.name, "request_id": self.request.id})
            fault = Refusal(SORRY)
            fault.status, fault.code = 500, "INTERNAL_ERROR"
            return self._failed(fault)

    def _allowed(self) -> dict[str, Any]:
        declaration = self.entry.declaration
        limit = declaration.limit or STANDARD
        if declaration.scope is None:
            self._limit_public(limit)
            return self._carried_out()
        caller = access.identify(self.request.headers)
        allowance = limits.take(
            caller.tenant, caller.credential, limit, caller.limits.get(limit.name, limit.per_minute)
        )
        self.headers.update(allowance.headers)
        self.request = replace(
            self.request,
            tenant=caller.tenant,
            actor=caller.actor,
            credential=caller.credential,
            scopes=caller.scopes,
        )
        caller.require(declaration.scope)
        return self._once() if self.request.idempotency_key is not None else self._carried_out()

    def _limit_public(self, limit: Limit) -> None:
        """By the token of the path, and by the address, which many people may share (proxies, offices). On the local
        stack everyone has the same address."""
        name = self.entry.declaration.name
        tokens = list((self.event.get("pathParameters") or {}).values())[:1]
        for token in tokens:
            self.headers.update(limits.take_public(f"{name}|{token[:80]}", limit).headers)
        if self.request.ip and not self.request.ip.startswith("127."):
            shared = Limit(limit.name, limit.per_minute * limits.SHARERS) if tokens else limit
            allowance = limits.take_public(f"{name}|{self.request.ip}", shared)
            if not tokens:
                self.headers.update(allowance.headers)

    def _once(self) -> dict[str, Any]:
        """Carry the request out under its Idempotency-Key; only success is kept."""
        key = self.request.idempotency_key or ""
        held = replies.claim(
            self.request.tenant, key, self.request.route + str(self.event.get("rawPath")), self.request.raw
        )
        if isinstance(held, tuple):
            return _response(held[0], held[1], {**self.headers, "Idempotency-Replayed": "true"}, JSON_TYPE)
        try:
            answer = self._carried_out()
        except BaseException:
            held.release()
            raise
        if self.secret:
            held.reopen()
        else:
            held.finish(answer["statusCode"], answer["body"])
        return answer

    def _carried_out(self) -> dict[str, Any]:
        result = self.entry.rule(**self._arguments())
        if isinstance(result, Raw):
            return _response(result.status, result.body, {**self.headers, **result.headers}, result.content_type)
        answer = result if isinstance(result, Answer) else Answer(result)
        self.secret = answer.secret
        data = to_jsonable_python(answer.data, by_alias=True)
        status = answer.status or self.entry.declaration.status
        at = clock.iso(self.request.now)
        if self.row is not None and self.dialect is not None:
            status = self.row.status or status
            data = self.row.reply(data, self.asked)
            shape = getattr(self.dialect, "success", None)
            body = shape(data, answer.message, self.request.id, at) if shape else data
        else:
            body = {
                "success": True,
                "data": data,
                "message": answer.message or "OK",
                "timestamp": at,
                "request_id": self.request.id,
            }
        return _response(status, _json(body), {**self.headers, **answer.headers}, JSON_TYPE)

    def _arguments(self) -> dict[str, Any]:
        """The rule's arguments. Raises MalformedBody or Invalid, which names every bad field."""
        entry = self.entry
        self.asked = self._asked()
        if self.row is not None:
            self.asked = self.row.request(self.asked)
        arguments: dict[str, Any] = {"request": self.request}
        problems: list[Detail] = []
        for name, adapter, value in (("body", entry.body, self.asked.body), ("query", entry.query, self.asked.query)):
            if adapter is None:
                continue
            try:
                arguments[name] = adapter.validate_python({} if value is None else value)
            except ValidationError as error:
                problems += self._problems(error)
        if problems:
            raise Invalid("Some fields are not valid; see details.", problems)
        for name in entry.path:
            if name not in self.asked.path:
                raise NotFound("There is nothing at this address.")
            arguments[name] = self.asked.path[name]
        return arguments

    def _asked(self) -> Asked:
        """What the request says. The caller's own tenant is left out: a rule knows it, and most have no such field.
        Raises MalformedBody, NotFound, and Forbidden for another tenant."""
        path = {key: str(value) for key, value in (self.event.get("pathParameters") or {}).items()}
        if any(len(value.encode("utf-8", "surrogatepass")) > MOST_PATH for value in path.values()):
            raise NotFound("There is nothing at this address.")
        body = _parsed(self.request.raw) if self.entry.body or self.row else None
        query = dict(self.request.query)
        if not self.request.tenant:
            return Asked(path, query, body)
        for said in (path, query, body if isinstance(body, dict) else {}):
            for name in TENANT_NAMES & said.keys():
                self.request.own(said[name])
        return Asked(path, _without_tenant(query), _without_tenant(body))

    def _problems(self, error: ValidationError) -> list[Detail]:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        return [
            Detail(_place(problem["loc"]) or "body", problem["msg"].removeprefix("Value error, "))
            for problem in problems
        ]

    def _documented(self, place: str) -> str:
        """A canonical field as the document of the route calls it."""
        names = self.row.fields if self.row else {}
        head = re.split(r"[.\[]", place)[0]
        return names.get(place) or names.get(head, head) + place[len(head) :]

    def _failed(self, refusal: Refusal) -> dict[str, Any]:
        if self.row is not None:
            refusal.details = tuple(Detail(self._documented(place), says) for place, says in refusal.details)
        at = clock.iso(self.request.now)
        details = [{"field": detail.field, "message": detail.message} for detail in refusal.details]
        shape = getattr(self.dialect, "failure", None)
        body = (
            shape(refusal, self.request.id, at)
            if shape
            else {
                "success": False,
                "data": None,
                "message": refusal.message,
                "error": {"code": refusal.code, "message": refusal.message, "details": details},
                "error_code": refusal.code,
                "timestamp": at,
                "request_id": self.request.id,
            }
        )
        return _response(refusal.status, _json(body), {**self.headers, **refusal.headers}, JSON_TYPE)


def _without_tenant(said: Any) -> Any:
    return {name: value for name, value in said.items() if name not in TENANT_NAMES} if isinstance(said, dict) else said


def _place(location: tuple[int | str, ...]) -> str:
    """`content.links[2].url` of pydantic's location; names of union members are not part of it."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if re.fullmatch(r"\w+", step) else ""
    return text.lstrip(".")


def _request(event: Mapping[str, Any]) -> Request:
    """The event's facts. Header names are lower case in payload format 2.0."""
    headers = {str(key).lower(): str(value) for key, value in (event.get("headers") or {}).items()}
    about = event.get("requestContext", {}).get("http", {})
    body = event.get("body") or ""
    asked = headers.get("x-request-id", "")
    return Request(
        id=asked if re.fullmatch(r"[\x21-\x7e]{1,128}", asked) else ids.new("req"),
        now=clock.business(),
        route=event.get("routeKey", ""),
        # Other methods change nothing or come to the same when repeated; a GET must not be answered from the past.
        idempotency_key=headers.get("idempotency-key") if about.get("method") == "POST" else None,
        ip=str(about.get("sourceIp", "")),
        user_agent=headers.get("user-agent", "")[:512],
        headers=headers,
        query=dict(parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True)),
        raw=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
        method=str(about.get("method", "")),
        path=str(event.get("rawPath", "")),
    )


def _parsed(raw: bytes) -> Any:
    """The JSON of a body; None for an empty one. Raises MalformedBody."""
    if not raw.strip():
        return None
    try:
        return from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedBody(f"The body is not valid JSON: {error}.") from error


def _json(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _response(status: int, body: str | bytes, headers: Mapping[str, str], content_type: str) -> dict[str, Any]:
    encoded = isinstance(body, bytes)
    return {
        "statusCode": status,
        "headers": {"Content-Type": content_type, **headers},
        "body": base64.b64encode(body).decode() if isinstance(body, bytes) else body,
        "isBase64Encoded": encoded,
    }


__all__ = [
    "ANALYTICS", "EVENTS", "LOGIN", "REFERRAL", "STANDARD", "TRACKING", "UPLOAD",
    "Answer", "BaseModel", "Raw", "Request", "http",
]  # fmt: skip
