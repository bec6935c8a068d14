"""The HTTP API in this process: a WSGI application that finds routes as API Gateway does, makes payload 2.0 of a
request and calls the real function, on moto."""

import base64
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from drumbeat.declare import Function

from tests import harness

NOT_FOUND = "system.not_found"
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


@dataclass(frozen=True)
class Route:
    """A way to a function. `key` is API Gateway's name of it: `GET /v1/contacts/{contact_id}`."""

    key: str
    function: str

    @property
    def method(self) -> str:
        return self.key.split(" ")[0]

    @property
    def segments(self) -> list[str]:
        return self.key.split(" ")[1].split("/")[1:]

    def parameters(self, path: list[str]) -> dict[str, str] | None:
        """The parameters of a path that this route takes, decoded; None for other paths."""
        own = self.segments
        greedy = own[-1].endswith("+}")
        if len(path) < len(own) if greedy else len(path) != len(own):
            return None
        if greedy:
            path = [*path[: len(own) - 1], "/".join(path[len(own) - 1 :])]
        found = {}
        for wanted, given in zip(own, path, strict=True):
            if wanted.startswith("{") and given:
                found[wanted.strip("{+}")] = unquote(given, errors="replace")
            elif wanted != unquote(given, errors="replace"):
                return None
        return found


def routes(functions: Mapping[str, Function]) -> list[Route]:
    """All ways to all functions, documented ones too; fixed paths before those with parameters."""
    found = []
    for name, function in functions.items():
        declared = function.declaration
        if declared.kind == "http" and " " in (declared.route or ""):
            keys = dict.fromkeys([declared.route or "", *harness.documented_routes().get(name, {})])
            found += [Route(key, name) for key in keys]
            if declared.cors:
                found += [Route(f"OPTIONS {key.split(' ')[1]}", name) for key in keys]
    return sorted(found, key=lambda route: ["{" in segment for segment in route.segments])


class Gateway:
    """A WSGI application. `asked` counts requests by route."""

    def __init__(self, functions: Mapping[str, Function]) -> None:
        self.routes = routes(functions)
        self.asked: dict[str, int] = {}

    def __call__(self, environ: dict[str, Any], start: StartResponse) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        headers = {
            name.removeprefix("HTTP_").replace("_", "-").lower(): value
            for name, value in environ.items()
            if name.startswith("HTTP_") or name == "CONTENT_TYPE"
        }
        answer = self.answered(
            environ["REQUEST_METHOD"],
            environ.get("REQUEST_URI", environ["PATH_INFO"]).partition("?")[0],
            environ.get("QUERY_STRING", ""),
            headers,
            environ["wsgi.input"].read(length),
        )
        status = HTTPStatus(answer["statusCode"])
        body = answer["body"]
        raw = base64.b64decode(body) if answer["isBase64Encoded"] else body.encode()
        start(f"{status.value} {status.phrase}", [(name, str(value)) for name, value in answer["headers"].items()])
        return [raw]

    def answered(
        self, method: str, path: str, query: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> dict[str, Any]:
        """What Lambda gives back for a request; `path` and `query` as they are on the wire."""
        segments = path.split("/")[1:]
        found = (
            (route, parameters)
            for route in self.routes
            if route.method == method and (parameters := route.parameters(segments)) is not None
        )
        route, parameters = next(found, (Route("$default", NOT_FOUND), {}))
        self.asked[route.key] = self.asked.get(route.key, 0) + 1
        answer: dict[str, Any] = harness.invoke(
            route.function,
            {
                "version": "2.0",
                "routeKey": route.key,
                "rawPath": unquote(path, errors="replace"),
                "rawQueryString": query,
                "headers": dict(headers or {}),
                "pathParameters": parameters,
                "requestContext": {"http": {"method": method, "path": path, "sourceIp": "127.0.0.1"}},
                "body": base64.b64encode(body).decode(),
                "isBase64Encoded": True,
            },
        )
        return answer
