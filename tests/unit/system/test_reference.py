"""The API's document and page are served, unknown addresses get the envelope, and health speaks to both its readers."""

import base64
import gzip
import json

from tests import harness
from tests.world import World


def test_the_document_is_served_without_a_credential(world: World) -> None:
    reply = world.call("system.get_openapi", tenant=None)

    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("application/json")
    assert "/v1/templates" in reply.body["paths"]


def test_the_page_is_served(world: World) -> None:
    reply = world.call("system.show_docs", tenant=None)

    assert reply.headers["Content-Type"].startswith("text/html")
    assert "<title>Drumbeat API</title>" in reply.text


def test_it_comes_compressed_to_whom_can_read_that(world: World) -> None:
    event = harness.http_event("GET /openapi.json", headers={"Accept-Encoding": "br, gzip"})

    answer = harness.invoke("system.get_openapi", event)

    assert answer["headers"]["Content-Encoding"] == "gzip"
    assert json.loads(gzip.decompress(base64.b64decode(answer["body"])))["openapi"] == "3.1.0"


def _unknown(method: str, path: str) -> harness.Reply:
    event = harness.http_event(f"{method} {path}") | {"routeKey": "$default"}
    answer = harness.invoke("system.not_found", event)
    return harness.Reply(answer["statusCode"], answer["headers"], answer["body"])


def test_an_unknown_route_has_the_envelope(world: World) -> None:
    reply = _unknown("DELETE", "/v1/nothing")

    assert (reply.status, reply.body["error"]["code"], reply.body["data"]) == (404, "NOT_FOUND", None)
    assert "DELETE /v1/nothing" in reply.body["message"]
    assert reply.headers["X-Request-ID"] == reply.body["request_id"]


def test_an_unknown_preflight_is_not_allowed(world: World) -> None:
    reply = _unknown("OPTIONS", "/v1/nothing")

    assert reply.status == 404
    assert "Access-Control-Allow-Origin" not in reply.headers


def test_health_is_bare_and_has_the_envelope(world: World) -> None:
    body = world.call("system.get_health", tenant=None).body

    parts = {"table": "healthy", "bus": "healthy", "queue": "healthy", "environment": "healthy"}
    assert (body["status"], body["service"], body["components"]) == ("healthy", "marketing", parts)
    assert (body["success"], body["data"]) == (True, {"status": "healthy", "components": parts})
    assert body["request_id"].startswith("req_")
