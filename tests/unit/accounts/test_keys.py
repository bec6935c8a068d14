"""API keys: made, shown once, rotated, revoked; never more than their maker."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from drumbeat import access
from drumbeat.accounts import scopes
from drumbeat.accounts.model import ApiKey

from tests.harness import Reply
from tests.unit.accounts.people import bearer, person
from tests.unit.accounts.test_users import everything
from tests.world import World

SHOP = {"name": "Shop", "scopes": ["contacts:read", "accounts:read"]}


def create(world: World, body: dict[str, Any] | None = None, **more: Any) -> Reply:
    return world.call("accounts.create_api_key", body=body or SHOP, **more)


def use(world: World, key: str) -> Reply:
    access.forget()
    return world.call("accounts.get_me", tenant=None, headers={"X-API-Key": key})


def test_a_key_works_and_is_shown_once(world: World) -> None:
    made = create(world).data

    assert re.fullmatch(r"db_live_[a-z2-7]{16}_[A-Za-z0-9_-]{43}", made["key"])
    assert use(world, made["key"]).data["scopes"] == ["accounts:read", "contacts:read"]
    assert world.call("accounts.get_me", tenant=None, headers=bearer(made["key"])).status == 200
    secret = made["key"].split("_", 3)[3]
    assert secret not in everything(world)
    assert "key" not in world.call("accounts.get_api_key", path={"key_id": made["id"]}).data
    assert secret not in world.call("accounts.list_api_keys").text


@pytest.mark.parametrize(
    "change", [lambda k: k[:-1], lambda k: k + "x", lambda k: k.replace("db_live_", "db_live_a"), lambda k: k.upper()]
)
def test_a_key_that_is_nearly_right(world: World, change: Callable[[str], str]) -> None:
    assert use(world, change(create(world).data["key"])).status == 401


def test_the_same_request_twice_is_one_key_and_one_answer(world: World) -> None:
    first, second = (create(world, headers={"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.status == second.status == 201
    assert first.data == second.data
    assert world.call("accounts.list_api_keys").data["total_count"] == 2  # with the tests' own
    assert first.data["key"].split("_", 3)[3] not in everything(world)


def test_the_same_idempotency_key_for_another_body(world: World) -> None:
    create(world, headers={"Idempotency-Key": "k1"})

    other = create(world, {"name": "Other", "scopes": ["*"]}, headers={"Idempotency-Key": "k1"})

    assert (other.status, other.body["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_the_same_idempotency_key_of_another_tenant_or_credential(world: World) -> None:
    first = create(world, headers={"Idempotency-Key": "k1"}).data
    other_tenant = create(world, tenant="globex", headers={"Idempotency-Key": "k1"}).data
    assert other_tenant["id"] != first["id"]

    colleague = {"X-API-Key": world.key("acme", ("*",)), "Idempotency-Key": "k1"}
    again = create(world, tenant=None, headers=colleague)

    assert (again.status, again.body["error_code"]) == (409, "SECRET_ALREADY_SHOWN")


@pytest.mark.parametrize(
    "wanted", [["*"], ["contacts:write"], ["contacts:*"], ["*:read"], ["accounts:write", "segments:read"]]
)
def test_nobody_gives_scopes_without_having_them(world: World, wanted: list[str]) -> None:
    limited = {"X-API-Key": world.key("acme", ("accounts:write", "contacts:read"))}

    assert create(world, {"name": "x", "scopes": wanted}, tenant=None, headers=limited).status == 403
    granted = create(world, {"name": "x", "scopes": ["contacts:read"]}, tenant=None, headers=limited)
    assert granted.status == 201


def test_nobody_rotates_a_key_that_can_do_more(world: World) -> None:
    strong = create(world, {"name": "x", "scopes": ["*"]}).data["id"]
    limited = {"X-API-Key": world.key("acme", ("accounts:write", "contacts:read"))}

    reply = world.call("accounts.rotate_api_key", tenant=None, headers=limited, path={"key_id": strong})

    assert reply.status == 403


@pytest.mark.parametrize(
    ("held", "wanted", "lacking"),
    [
        (["*"], ["*", "*:read", "contacts:*", "a:b"], []),
        (["contacts:*"], ["contacts:read", "contacts:*"], []),
        (["contacts:*"], ["*", "*:read", "segments:read"], ["*", "*:read", "segments:read"]),
        (["*:read"], ["contacts:read", "*:read", "contacts:*", "contacts:write"], ["contacts:*", "contacts:write"]),
        (["contacts:read", "contacts:write", "contacts:send"], ["contacts:*"], ["contacts:*"]),
        ([], ["contacts:read"], ["contacts:read"]),
    ],
)
def test_what_scopes_cover(held: list[str], wanted: list[str], lacking: list[str]) -> None:
    assert scopes.missing(held, wanted) == lacking


def test_every_scope_that_a_function_asks_for_can_be_given(world: World) -> None:
    asked = {function.declaration.scope for function in world.functions.values()} - {None, "self:read"}

    assert [scope for scope in sorted(map(str, asked)) if not scopes.known(scope)] == []


@pytest.mark.parametrize(
    "scope", ["contact:read", "contacts", "contacts:", ":read", "*:*", "contacts:reads", "self:read", "", "* "]
)
def test_scopes_that_are_none(world: World, scope: str) -> None:
    reply = create(world, {"name": "x", "scopes": [scope]})

    assert reply.status == 422 and reply.refused == ["scopes[0]"]


def test_several_bad_fields_in_one_answer(world: World) -> None:
    body = {"name": " ", "scopes": [], "limits": {"standard": 0}, "expires_at": "tomorrow", "colour": "red"}
    reply = create(world, body)

    assert reply.status == 422
    assert sorted(reply.refused) == ["colour", "expires_at", "limits.standard", "name", "scopes"]


def test_limits_and_expiry_are_checked_together(world: World) -> None:
    body = {**SHOP, "limits": {"standard": 100_001, "speed": 5, "upload": 3}, "expires_at": "2020-01-01T00:00:00Z"}
    reply = create(world, body)

    assert reply.status == 422
    assert sorted(reply.refused) == ["expires_at", "limits.speed", "limits.standard"]


def test_a_key_expires(world: World, half_past: Callable[[float], None]) -> None:
    from datetime import timedelta

    from drumbeat import clock

    made = create(world, {**SHOP, "expires_at": clock.iso(clock.wall() + timedelta(minutes=5))}).data
    assert use(world, made["key"]).status == 200
    half_past(301)

    assert use(world, made["key"]).status == 401
    assert world.call("accounts.get_api_key", path={"key_id": made["id"]}).data["state"] == "expired"
    rotated = world.call("accounts.rotate_api_key", path={"key_id": made["id"]})
    assert rotated.body["error_code"] == "API_KEY_REVOKED"


def rotate(world: World, key_id: str, **more: Any) -> Reply:
    return world.call("accounts.rotate_api_key", path={"key_id": key_id}, **more)


def revoke(world: World, key_id: str) -> Reply:
    return world.call("accounts.revoke_api_key", path={"key_id": key_id})


def active(world: World) -> set[str]:
    items = world.call("accounts.list_api_keys").data["items"]
    return {item["id"] for item in items if item["state"] == "active" and item["name"] == "Shop"}


def test_rotation_from_first_to_third(world: World) -> None:
    first = create(world).data
    second = rotate(world, first["id"]).data
    assert use(world, first["key"]).status == use(world, second["key"]).status == 200
    assert second["scopes"] == first["scopes"]

    assert rotate(world, first["id"]).body["error_code"] == "TWO_KEYS_ACTIVE"
    assert rotate(world, second["id"]).body["error_code"] == "TWO_KEYS_ACTIVE"

    assert revoke(world, first["id"]).data["state"] == "revoked"
    assert use(world, first["key"]).status == 401
    assert use(world, second["key"]).status == 200
    third = rotate(world, second["id"]).data
    assert active(world) == {second["id"], third["id"]}


def test_rotation_again_after_the_new_key_was_revoked(world: World) -> None:
    first = create(world).data["id"]
    second = rotate(world, first).data["id"]
    revoke(world, second)

    third = rotate(world, first).data["id"]

    assert active(world) == {first, third}
    assert rotate(world, first).body["error_code"] == "TWO_KEYS_ACTIVE"
    assert rotate(world, second).body["error_code"] == "API_KEY_REVOKED"


def test_rotation_sent_twice_is_one_key(world: World) -> None:
    first = create(world).data["id"]
    key = {"Idempotency-Key": "k1"}

    one, two = (rotate(world, first, headers=key) for _ in range(2))

    assert one.data == two.data
    assert active(world) == {first, one.data["id"]}


def test_a_key_revokes_itself_and_revoking_twice_is_fine(world: World) -> None:
    own = create(world, {"name": "x", "scopes": ["accounts:write"]}).data
    header = {"X-API-Key": own["key"]}
    path = {"key_id": own["id"]}

    assert world.call("accounts.revoke_api_key", tenant=None, headers=header, path=path).status == 200
    assert use(world, own["key"]).status == 401
    assert revoke(world, own["id"]).status == 200


def test_other_tenants_keys_are_unknown(world: World) -> None:
    path = {"key_id": create(world).data["id"]}

    for name in ("get_api_key", "rotate_api_key", "revoke_api_key"):
        assert world.call(f"accounts.{name}", tenant="globex", path=path).status == 404
    row = ApiKey.fetch(*ApiKey.key(path["key_id"]))
    assert row is not None and row.state == "active"


def test_a_users_key_names_its_maker(world: World) -> None:
    boss = person(world, "boss@acme.example", "admin")

    made = create(world, tenant=None, headers=bearer(boss.token())).data

    assert made["created_by"] == boss.id
