"""One request on its way through: credential, rate limit, body, idempotency, rule, reply."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from drumbeat import access, clock, limits, replies, table
from drumbeat.declare import Declaration, Limit
from drumbeat.dialects import Asked, Row
from drumbeat.errors import Detail, Invalid, NotFound, Refusal, Unavailable
from drumbeat.http.answers import JSON_TYPE, Answer, Raw, compact, envelope, refused, response
from drumbeat.http.requests import TENANT_NAMES, Request, parsed, without_tenant
from drumbeat.limits import STANDARD
from drumbeat.logs import logger
from drumbeat.table import NewerFormat, tenancy

SORRY = "Something went wrong on our side. The request id helps us to find out what; please try again."
UPGRADE, UPGRADE_SECONDS = "We are being upgraded; the same request works in a minute.", 60
# Of a body with a hundred thousand bad fields the first ones do: Lambda's answers end at 6 MB, and so do names.
MOST_DETAILS, MOST_NAME = 100, 100
TOO_LARGE = f"makes an object of more than {table.MOST_KILOBYTES} KB; make its longest fields shorter"
# Bytes of a path parameter: no id, slug, address or token is longer, and a key of the table could not hold much more.
MOST_PATH = 512


@dataclass(frozen=True, slots=True)
class Rule:
    """What a function does for a request, and how its arguments are made."""

    declaration: Declaration
    carry_out: Callable[..., Any]
    body: TypeAdapter[Any] | None
    query: TypeAdapter[Any] | None
    path: tuple[str, ...]


class Call:
    """One request on its way through."""

    def __init__(
        self, rule: Rule, event: dict[str, Any], request: Request, row: Row | None, dialect: ModuleType | None
    ) -> None:
        self.rule, self.event, self.request, self.row, self.dialect = rule, event, request, row, dialect
        self.headers: dict[str, str] = {}
        self.secret = False
        self.asked = Asked({}, {}, None)

    def answered(self) -> dict[str, Any]:
        try:
            return self._allowed()
        except Refusal as refusal:
            return self._failed(refusal)
        except NewerFormat:
            logger.warning("waits for an upgrade", exc_info=True, extra={"function": self.rule.declaration.name})
            return self._failed(Unavailable(UPGRADE, headers={"Retry-After": str(UPGRADE_SECONDS)}))
        except Exception as error:
            if table.is_too_large(error):
                return self._failed(Invalid.field("body", TOO_LARGE))
            logger.exception("fault", extra={"function": self.rule.declaration.name, "request_id": self.request.id})
            fault = Refusal(SORRY)
            fault.status, fault.code = 500, "INTERNAL_ERROR"
            return self._failed(fault)

    def _allowed(self) -> dict[str, Any]:
        declaration = self.rule.declaration
        limit = declaration.limit or STANDARD
        if declaration.scope is None:
            self._limit_public(limit)
            with tenancy.only(""):  # a token may tell whose work it is
                return self._carried_out()
        caller = access.identify(self.request.headers)
        with tenancy.only(caller.tenant):
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
        name = self.rule.declaration.name
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
            return response(held[0], held[1], {**self.headers, "Idempotency-Replayed": "true"}, JSON_TYPE)
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
        result = self.rule.carry_out(**self._arguments())
        if isinstance(result, Raw):
            return response(result.status, result.body, {**self.headers, **result.headers}, result.content_type)
        answer = result if isinstance(result, Answer) else Answer(result)
        self.secret = answer.secret
        data = to_jsonable_python(answer.data, by_alias=True)
        status = answer.status or self.rule.declaration.status
        if self.row is not None and self.dialect is not None:
            status = self.row.status or status
            data = self.row.reply(data, self.asked)
            shape = getattr(self.dialect, "success", None)
            body = shape(data, answer.message, self.request.id, clock.iso(self.request.now)) if shape else data
        else:
            body = envelope(data, answer.message, self.request.id, self.request.now)
        return response(status, compact(body), {**self.headers, **answer.headers}, JSON_TYPE)

    def _arguments(self) -> dict[str, Any]:
        """The rule's arguments. Raises MalformedBody or Invalid, which names every bad field."""
        rule = self.rule
        self.asked = self._asked()
        if self.row is not None:
            self.asked = self.row.request(self.asked)
        arguments: dict[str, Any] = {"request": self.request}
        problems: list[Detail] = []
        for name, adapter, value in (("body", rule.body, self.asked.body), ("query", rule.query, self.asked.query)):
            if adapter is None:
                continue
            try:
                arguments[name] = adapter.validate_python({} if value is None else value)
            except ValidationError as error:
                problems += self._problems(error)
        if problems:
            raise Invalid("Some fields are not valid; see details.", problems)
        for name in rule.path:
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
        body = parsed(self.request.raw) if self.rule.body or self.row else None
        query = dict(self.request.query)
        if not self.request.tenant:
            return Asked(path, query, body)
        for said in (path, query, body if isinstance(body, dict) else {}):
            for name in TENANT_NAMES & said.keys():
                self.request.own(said[name])
        return Asked(path, without_tenant(query), without_tenant(body))

    def _problems(self, error: ValidationError) -> list[Detail]:
        problems = error.errors(include_url=False, include_input=False)
        return [
            Detail(
                _place(problem["loc"]) or getattr(problem.get("ctx", {}).get("error"), "field", "body"),
                problem["msg"].removeprefix("Value error, "),
            )
            for problem in problems
        ]

    def _documented(self, place: str) -> str:
        """A canonical field as the document of the route calls it."""
        names = self.row.fields if self.row else {}
        head = re.split(r"[.\[]", place)[0]
        # A canonical object that the document has no name for ("") is its body.
        return names.get(place) or (names.get(head, head) + place[len(head) :]).lstrip(".")

    def _failed(self, refusal: Refusal) -> dict[str, Any]:
        refusal.details = refusal.details[:MOST_DETAILS]
        if self.row is not None:
            refusal.details = tuple(Detail(self._documented(place), says) for place, says in refusal.details)
        shape = getattr(self.dialect, "failure", None)
        body = (
            shape(refusal, self.request.id, clock.iso(self.request.now))
            if shape
            else refused(refusal, self.request.id, self.request.now)
        )
        return response(refusal.status, compact(body), {**self.headers, **refusal.headers}, JSON_TYPE)


def _place(location: tuple[int | str, ...]) -> str:
    """`content.links[2].url` of pydantic's location; names of union members are not part of it."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step[:MOST_NAME]}" if re.fullmatch(r"\w+", step) else ""
    return text.lstrip(".")
