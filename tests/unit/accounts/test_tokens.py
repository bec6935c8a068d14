"""Tokens that must not work."""

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from drumbeat import clock
from drumbeat.accounts import tokens

from tests.unit.accounts.people import PASSWORD, Person, bearer, me, person
from tests.world import World


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def kid() -> str:
    return str(next(iter(json.loads(os.environ["JWT_KEYS"]))))


def pem() -> str:
    return str(json.loads(os.environ["JWT_KEYS"])[kid()])


@pytest.fixture
def claims(rina: Person) -> dict[str, Any]:
    """The claims of a token that works."""
    return dict(jwt.decode(rina.token(), options={"verify_signature": False}))


def test_what_a_token_says(claims: dict[str, Any], rina: Person) -> None:
    assert claims["aud"] == "drumbeat"
    assert (claims["sub"], claims["tenant"], claims["role"]) == (rina.id, "ten_acme", "marketer")
    assert claims["exp"] - claims["iat"] == 3600
    assert claims["jti"] and claims["session"]
    assert jwt.get_unverified_header(rina.token()) == {"alg": "ES256", "kid": kid(), "typ": "JWT"}


def test_a_library_verifies_the_signature(rina: Person) -> None:
    for _ in range(20):  # r and s have leading zeros now and then
        assert jwt.decode(tokens.signed({"aud": "drumbeat"}), pem(), ["ES256"], audience="drumbeat")


def test_a_token_of_ours_works(world: World, claims: dict[str, Any]) -> None:
    assert me(world, tokens.signed(claims)).status == 200


def test_algorithm_none(world: World, claims: dict[str, Any]) -> None:
    for name in ("none", "None", "NONE"):
        header = part({"alg": name, "kid": kid(), "typ": "JWT"})
        for signature in ("", part(b"x" * 64)):
            assert me(world, f"{header}.{part(claims)}.{signature}").status == 401


def test_the_public_key_used_as_a_shared_secret(world: World, claims: dict[str, Any]) -> None:
    text = f"{part({'alg': 'HS256', 'kid': kid(), 'typ': 'JWT'})}.{part(claims)}"
    for secret in (pem(), pem().strip()):
        mac = hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest()
        assert me(world, f"{text}.{part(mac)}").status == 401


def test_expired(world: World, claims: dict[str, Any]) -> None:
    now = int(clock.wall().timestamp())

    assert me(world, tokens.signed({**claims, "iat": now - 3601, "exp": now - 1})).status == 401


@pytest.mark.parametrize("name", ["exp", "sub", "aud", "tenant", "session"])
def test_a_claim_that_is_missing(world: World, claims: dict[str, Any], name: str) -> None:
    del claims[name]

    assert me(world, tokens.signed(claims)).status == 401


@pytest.mark.parametrize("audience", ["other", ["other"], "", None])
def test_for_another_audience(world: World, claims: dict[str, Any], audience: Any) -> None:
    assert me(world, tokens.signed({**claims, "aud": audience})).status == 401


@pytest.mark.parametrize("change", [{"sub": 7}, {"session": "x"}, {"session": None}, {"tenant": {}}, {"exp": "soon"}])
def test_claims_of_another_type(world: World, claims: dict[str, Any], change: dict[str, Any]) -> None:
    assert me(world, tokens.signed({**claims, **change})).status == 401


def test_an_unknown_key(world: World, claims: dict[str, Any]) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())

    for header in ({"kid": "another"}, {"kid": ""}, {}):
        assert me(world, jwt.encode(claims, foreign, "ES256", headers=header)).status == 401


def test_a_foreign_key_under_our_name(world: World, claims: dict[str, Any]) -> None:
    person(world, "ann@globex.example", "admin", tenant="globex")
    foreign = ec.generate_private_key(ec.SECP256R1())
    stolen = {**claims, "tenant": "ten_globex", "role": "admin"}

    assert me(world, jwt.encode(stolen, foreign, "ES256", headers={"kid": kid()})).status == 401


def test_a_key_that_the_token_brings_along(world: World, claims: dict[str, Any]) -> None:
    foreign = ec.generate_private_key(ec.SECP256R1())
    own = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(foreign.public_key()))
    for extra in ({"jwk": own}, {"jku": "https://evil.example/keys"}, {"x5u": "https://evil.example/cert"}):
        header = {"kid": kid(), **extra}
        assert me(world, jwt.encode(claims, foreign, "ES256", headers=header)).status == 401


def test_claims_changed_after_signing(world: World, rina: Person, claims: dict[str, Any]) -> None:
    header, _, signature = rina.token().split(".")
    changed = part({**claims, "tenant": "ten_globex"})

    assert me(world, f"{header}.{changed}.{signature}").status == 401


def test_a_user_under_another_tenant(world: World, claims: dict[str, Any]) -> None:
    assert me(world, tokens.signed({**claims, "tenant": "ten_globex"})).status == 401


@pytest.mark.parametrize(
    "token", ["", "x", "a.b", "a.b.c", "a.b.c.d", "....", "Bearer", "\u00e9.\u00e9.\u00e9", "db_live_", "db_live__"]
)
def test_no_tokens_at_all(world: World, token: str) -> None:
    assert me(world, token).status == 401


def test_the_role_is_read_from_the_user_not_from_the_token(world: World, claims: dict[str, Any]) -> None:
    token = tokens.signed({**claims, "role": "admin"})
    body = {"email": "x@acme.example", "role": "analyst"}

    assert world.call("accounts.create_user", tenant=None, headers=bearer(token), body=body).status == 403


def test_after_the_password_was_set_anew(world: World, rina: Person) -> None:
    token = rina.token()
    world.call("accounts.request_password_reset", tenant=None, body={"email": rina.email})
    world.settle()
    link = world.mails()[-1][1].split("#reset=")[1].split()[0]
    body = {"token": link, "password": "another horse battery"}
    assert world.call("accounts.reset_password", tenant=None, body=body).status == 200

    assert me(world, token).status == 401
    assert rina.login(PASSWORD).status == 401
    assert me(world, rina.login("another horse battery").data["token"]).status == 200


def test_after_deactivation_and_back(world: World, rina: Person) -> None:
    token = rina.token()
    path = {"user_id": rina.id}
    world.call("accounts.update_user", path=path, body={"state": "inactive"})
    assert me(world, token).status == 401
    world.call("accounts.update_user", path=path, body={"state": "active"})

    assert me(world, token).status == 401
    assert me(world, rina.token()).status == 200


def test_after_deletion(world: World, rina: Person) -> None:
    token = rina.token()
    world.call("accounts.delete_user", path={"user_id": rina.id})

    assert me(world, token).status == 401


def test_a_change_of_role_is_in_force_without_a_new_token(world: World, rina: Person) -> None:
    token = rina.token()
    world.call("accounts.update_user", path={"user_id": rina.id}, body={"role": "analyst"})

    assert me(world, token).data["scopes"] == ["*:read"]


def test_only_the_login_function_may_sign(world: World) -> None:
    signers = [name for name, function in world.functions.items() if function.declaration.signs]

    assert signers == ["accounts.login"]
