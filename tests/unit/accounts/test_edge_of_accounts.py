"""What every route with a credential does, seen through accounts: limits and headers, Idempotency-Key, bad bodies."""

import time
from collections.abc import Callable

import pytest

from tests.world import World


def test_the_headers_count_down_and_the_next_one_waits(world: World, half_past: Callable[[float], None]) -> None:
    key = {"X-API-Key": world.key("acme", ("*",), limits={"standard": 5})}
    reset = int(time.time()) // 60 * 60 + 60

    answers = [world.call("accounts.get_me", tenant=None, headers=key) for _ in range(7)]

    assert [answer.status for answer in answers] == [200] * 5 + [429] * 2
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["4", "3", "2", "1", "0", "0", "0"]
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"5"}
    assert {answer.headers["X-RateLimit-Reset"] for answer in answers} == {str(reset)}
    assert answers[-1].headers["Retry-After"] == "30"
    assert answers[-1].body["error_code"] == "RATE_LIMIT_EXCEEDED"
    half_past(30)
    assert world.call("accounts.get_me", tenant=None, headers=key).status == 200


def test_each_key_and_each_tenant_has_its_own_window(world: World, half_past: Callable[[float], None]) -> None:
    one, other = (world.key("acme", (scope,), limits={"standard": 1}) for scope in ("*", "*:read"))

    def ask(key: str) -> int:
        return world.call("accounts.get_me", tenant=None, headers={"X-API-Key": key}).status

    assert [ask(one), ask(one), ask(other), ask(other)] == [200, 429, 200, 429]
    assert world.call("accounts.get_me", tenant="globex").status == 200


def test_the_operators_number_for_a_tenant_is_in_force(world: World, half_past: Callable[[float], None]) -> None:
    world.run("accounts.update_tenant", {"tenant_id": "ten_globex", "limits": {"standard": 2}})

    assert [world.call("accounts.get_me", tenant="globex").status for _ in range(3)] == [200, 200, 429]


def test_a_refused_request_counts_too(world: World, half_past: Callable[[float], None]) -> None:
    key = {"X-API-Key": world.key("acme", ("contacts:read",), limits={"standard": 2})}

    asked = [world.call("accounts.get_settings", tenant=None, headers=key) for _ in range(3)]

    assert [reply.status for reply in asked] == [403, 403, 429]
    assert "accounts:read" in asked[0].body["message"]


def test_a_failed_request_does_not_use_up_its_idempotency_key(world: World) -> None:
    key = {"Idempotency-Key": "k1"}
    bad = world.call("accounts.create_user", body={"email": "x"}, headers=key)
    good = world.call("accounts.create_user", body={"email": "x@acme.example", "role": "analyst"}, headers=key)

    assert (bad.status, good.status) == (422, 201)


@pytest.mark.parametrize(
    "body", [b"{", b"[1,", b"\xff\xfe", b'{"name": NaN}', b"{'name': 'x'}", b'{"name": "\\ud800"}']
)
def test_a_body_that_is_no_json(world: World, body: bytes) -> None:
    reply = world.call("accounts.create_api_key", body=body)

    assert reply.status == 400
    assert reply.body["error_code"] == "MALFORMED_BODY"


@pytest.mark.parametrize("body", [b"null", b"7", b'"text"', b"[]", b"", b"true"])
def test_a_body_of_another_type(world: World, body: bytes) -> None:
    reply = world.call("accounts.create_api_key", body=body)

    assert reply.status == 422


@pytest.mark.parametrize("method", ["X-API-Key", "Authorization"])
def test_a_credential_of_any_kind_is_needed(world: World, method: str) -> None:
    assert world.call("accounts.list_users", tenant=None).status == 401
    reply = world.call("accounts.list_users", tenant=None, headers={method: "db_live_x_y"})
    assert (reply.status, reply.body["error_code"]) == (401, "UNAUTHORIZED")
