"""The API's document (OpenAPI 3.1), from the declarations, the types of the handlers, the dialects and the event files.

`python -m infra.docs` writes it into the code layer, where `GET /openapi.json` and `GET /docs` serve it.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from inspect import cleandoc
from types import ModuleType
from typing import Any, get_args, get_origin, get_type_hints

from drumbeat.dialects import Asked, Row
from drumbeat.errors import Detail, Refusal
from drumbeat.http import Answer, Raw
from pydantic import TypeAdapter

from infra import examples, failures
from infra.catalogue import Catalogue
from infra.discovery import REPOSITORY, Found
from infra.examples import Case

REFERENCE = "#/components/schemas/{model}"
INTRODUCTION = """Contacts, segments, templates, campaigns and what came of them.

Every answer has the envelope `{success, data, message, timestamp, request_id}`; a refusal has `error` with a `code`, a
`message` that says what to do next, and `details` that name every bad field. Send an API key in `X-API-Key` (or in
`Authorization: Bearer`), or a token from `POST /v1/auth/login`. A POST may have an `Idempotency-Key`: the same key and
body give the same answer. Lists take `limit` and the `cursor` of the answer before. Answers have `X-RateLimit-Limit`,
`X-RateLimit-Remaining` and `X-RateLimit-Reset`."""
DIALECTS = {
    "getit": "getit-marketing.md: `/api/v1/marketing`, bare answers.",
    "mcp": "mcp-marketing.md: `/api/marketing`, bare answers.",
    "promotion": "promotion-engine.md: an envelope, and error codes of its own.",
    "sme": "sme-platform.md: `/api/v1`, camelCase.",
}


@dataclass(slots=True)
class Endpoint:
    """A function with a route: its types as schemas, its examples, and what it answers to the first of them."""

    found: Found
    types: dict[str, Any]
    cases: list[Case]
    schemas: dict[str, dict[str, Any]] = field(default_factory=dict)
    data: Any = None

    @property
    def raw(self) -> bool:
        return self.types["answer"] is Raw

    @property
    def bodiless(self) -> bool:
        """Whether the function can also be called without a body."""
        return type(None) in get_args(self.types.get("body"))

    def success(self, route: str | None) -> Case | None:
        """The first example of success by this documented route, or by the canonical one."""
        return next((case for case in self.cases if case.route == route and case.status < 400), None)


def document(catalogue: Catalogue) -> dict[str, Any]:
    """The whole document. Paths are in the order of contexts and names."""
    endpoints = {found.name: _endpoint(found) for found in catalogue.of_kind("http") if _listed(found)}
    definitions = _schemas(endpoints)
    for endpoint in endpoints.values():
        endpoint.data = _data(endpoint, definitions)
    paths: dict[str, dict[str, Any]] = {}
    tags: dict[str, str] = {}
    for endpoint in endpoints.values():
        dialects = catalogue.dialects(endpoint.found)
        for route in catalogue.routes(endpoint.found):
            method, path = route.replace("+}", "}").split(" ")
            made = _Operation(endpoint, endpoints, definitions, route, dialects.get(route)).made()
            paths.setdefault(path, {})[method.lower()] = made
            tags.setdefault(made["tags"][0], DIALECTS.get(made["tags"][0], ""))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Drumbeat", "version": _version(), "description": INTRODUCTION, "license": failures.LICENSE},
        "tags": [{"name": name, **({"description": says} if says else {})} for name, says in sorted(tags.items())],
        "paths": paths,
        "components": {
            "schemas": {**definitions, "Error": failures.SCHEMA},
            "responses": failures.USUAL,
            "securitySchemes": {
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or a token of a user."},
            },
        },
    }


def _listed(found: Found) -> bool:
    """`$default` answers what is in no document."""
    return " " in (found.declaration.route or "")


def _version() -> str:
    match = re.search(r'^version = "(.+)"$', (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    return match[1] if match else "0"


def _endpoint(found: Found) -> Endpoint:
    hints = get_type_hints(found.handler.rule)
    answer = hints.get("return", Any)
    if get_origin(answer) is Answer:
        answer = get_args(answer)[0]
    elif answer is Answer:
        answer = Any
    types: dict[str, Any] = {name: hints[name] for name in ("body", "query") if name in hints}
    return Endpoint(found, {**types, "answer": answer}, examples.cases(found.name))


def _schemas(endpoints: Mapping[str, Endpoint]) -> dict[str, Any]:
    """Give each endpoint the schemas of its types; the definitions that they refer to."""
    wanted: list[tuple[tuple[str, str], Any, TypeAdapter[Any]]] = [
        ((name, part), "serialization" if part == "answer" else "validation", TypeAdapter(kind))
        for name, endpoint in endpoints.items()
        for part, kind in endpoint.types.items()
        if kind is not Raw
    ]
    made, shared = TypeAdapter.json_schemas(wanted, ref_template=REFERENCE)
    for ((name, part), _), schema in made.items():
        endpoints[name].schemas[part] = dict(schema)
    definitions: dict[str, Any] = shared.get("$defs", {})
    return dict(sorted(definitions.items()))


def _data(endpoint: Endpoint, definitions: Mapping[str, Any]) -> Any:
    """What the function gives in its first example of success, where `{names}` of other objects stay."""
    own = re.sub(r"ies$", "y", endpoint.found.name.split("_", 1)[-1]).removesuffix("s")
    if endpoint.raw:
        return None
    made, full = (
        examples.sample(endpoint.schemas["answer"], definitions, own=own, nulls=nulls) for nulls in (True, False)
    )
    case = endpoint.success(None)
    if case is None or not isinstance(case.response.get("body"), dict):
        return made
    return examples.overlaid(made, case.response["body"].get("data", made), full)


class _Operation:
    """One route of an endpoint: the canonical one, or a documented one of a dialect."""

    def __init__(
        self, endpoint: Endpoint, others: Mapping[str, Endpoint], definitions: Mapping[str, Any], route: str,
        dialect: str | None,
    ) -> None:  # fmt: skip
        self.endpoint, self.others, self.definitions, self.route = endpoint, others, definitions, route
        self.declared = endpoint.found.declaration
        self.dialect = dialect
        self.module: ModuleType | None = importlib.import_module(f"drumbeat.dialects.{dialect}") if dialect else None
        rows = getattr(self.module, "ROWS", ())
        self.row: Row | None = next((row for row in rows if row.route == route), None)
        self._alias = self.row is not None and route != self.declared.route
        asked_by = route if self._alias else None
        self.cases = [case for case in endpoint.cases if case.route == asked_by]
        self.case = endpoint.success(asked_by)
        self.kept = self._kept(self.case)

    def made(self) -> dict[str, Any]:
        operation: dict[str, Any] = {
            "operationId": self._id(),
            "summary": self.declared.summary,
            "description": self._description(),
            "tags": [self.dialect if self._alias and self.dialect else self.declared.context],
            "parameters": self._parameters(),
            "responses": self._responses(),
            "security": [{"apiKey": []}, {"bearer": []}] if self.declared.scope else [],
        }
        if "body" in self.endpoint.types:
            operation["requestBody"] = self._body()
        if self.declared.scope:
            operation["x-scope"] = self.declared.scope
        return operation

    def _id(self) -> str:
        if not self._alias:
            return self.declared.name.replace(".", "_")
        return re.sub(r"\W+", "_", f"{self.dialect}_{self.route}").strip("_").lower()

    def _description(self) -> str:
        said = [" ".join(cleandoc(self.declared.refusals).split())]
        if self._alias:
            said.insert(0, f"Documented alias of `{self.declared.route}`.")
        if self.declared.scope:
            said.append(f"Needs the scope `{self.declared.scope}`.")
        if self.declared.limit:
            said.append(f"At most {self.declared.limit.per_minute} requests a minute ({self.declared.limit.name}).")
        return "\n\n".join(part for part in said if part)

    def _kept(self, case: Case | None) -> dict[str, Any]:
        """What the example's `given` calls are shown to have made."""
        kept: dict[str, Any] = {}
        for step in case.given if case else ():
            if "keep" in step:
                made = self.others.get(step.get("call", ""))
                kept[step["keep"]] = examples.filled(made.data, kept) if made else "…"
        return kept

    def _parameters(self) -> list[dict[str, Any]]:
        asked = examples.filled(dict(self.case.request), self.kept) if self.case else {}
        path, query = asked.get("path") or {}, asked.get("query") or {}
        found: list[dict[str, Any]] = []
        for name in re.findall(r"{(\w+)\+?}", self.route):
            schema = {"type": "string"}
            shown = str(path.get(name, examples.text(name)))
            found.append({"name": name, "in": "path", "required": True, "schema": schema, "example": shown})
        if self.row is None and "query" in self.endpoint.schemas:
            found += self._queries(query)
        elif self.row is not None:
            found += [
                {"name": name, "in": "query", "schema": {"type": "string"}, "example": value}
                for name, value in query.items()
            ]
        if self.route.startswith("POST") and self.declared.scope:
            says = "The same key and body give the same answer, and make nothing twice."
            schema = {"type": "string", "maxLength": 255}  # type: ignore[dict-item]  # JSON Schema mixes types
            found.append({"name": "Idempotency-Key", "in": "header", "description": says, "schema": schema})
        return found

    def _queries(self, shown: Mapping[str, Any]) -> list[dict[str, Any]]:
        schema = self.endpoint.schemas["query"]
        if "$ref" in schema:
            schema = self.definitions[schema["$ref"].rsplit("/", 1)[1]]
        found = []
        for name, one in schema.get("properties", {}).items():
            parameter = {"name": name, "in": "query", "required": name in schema.get("required", ()), "schema": one}
            found.append(parameter)
            if "description" in one:
                parameter["description"] = one["description"]
            if name in shown:
                parameter["example"] = examples.typed(shown[name], one)
        return found

    def _body(self) -> dict[str, Any]:
        shown = {
            case.name: {
                "summary": case.summary,
                "value": examples.settled(examples.filled(case.request["body"], self._kept(case))),
            }
            for case in self.cases
            if case.status < 400 and "body" in case.request
        }
        schema = self.endpoint.schemas["body"]
        if self._alias:
            schema = examples.inferred(next((one["value"] for one in shown.values()), {}))
        content = {"application/json": {"schema": schema, **({"examples": shown} if shown else {})}}
        return {"required": bool(shown) and not self.endpoint.bodiless, "content": content}

    def _responses(self) -> dict[str, Any]:
        status = str(self.case.status if self.case else (self.row and self.row.status) or self.declared.status)
        refusals = failures.responses(self.declared, self.endpoint.types, self.cases, self._shape)
        return {status: self._success(), **refusals}

    def _success(self) -> dict[str, Any]:
        says = self.case.summary if self.case and self.case.summary else "As asked"
        if self.endpoint.raw:
            return {"description": says, **failures.page(self.case)}
        data = examples.filled(self.endpoint.data, self.kept)
        if self.row is None:
            body = {"success": True, "data": data, "message": "OK", "timestamp": examples.INSTANT}
            body["request_id"] = examples.REQUEST_ID
        else:
            body = self._documented(data)
        if self.case is not None and isinstance(self.case.response.get("body"), dict):
            body = examples.overlaid(body, examples.filled(self.case.response["body"], self.kept))
        body = examples.settled(body)
        schema = examples.inferred(body, answer=True)
        if self.row is None:
            schema = failures.envelope(self.endpoint.schemas["answer"] or examples.inferred(data, answer=True))
        return {"description": says, "content": {"application/json": {"schema": schema, "example": body}}}

    def _documented(self, data: Any) -> Any:
        """The dialect's answer to the example, as the edge would make it."""
        request = examples.filled(dict(self.case.request), self.kept) if self.case else {}
        asked = Asked(request.get("path") or {}, request.get("query") or {}, request.get("body"))
        reply = self.row.reply if self.row else None
        try:
            shown = reply(data, asked) if reply else data
        except (LookupError, TypeError, ValueError, AttributeError):
            shown = {}  # a sample cannot have all that a dialect looks for; the event file says it then
        shape = getattr(self.module, "success", None)
        return shape(shown, None, examples.REQUEST_ID, examples.INSTANT) if shape else shown

    def _shape(self, status: int, code: str, message: str, details: list[dict[str, str]]) -> dict[str, Any] | None:
        """A refusal as the dialect says it; None where it is said as everywhere."""
        shape = getattr(self.module, "failure", None)
        if shape is None:
            return None
        refusal = Refusal(message, [Detail(one["field"], one["message"]) for one in details])
        refusal.status, refusal.code = status, code
        body: dict[str, Any] = shape(refusal, examples.REQUEST_ID, examples.INSTANT)
        return body
