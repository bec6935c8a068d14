"""Signing in: the answer, what it tells strangers, how often it may be tried."""

from collections.abc import Callable

import pytest
from argon2 import PasswordHasher
from drumbeat import clock, limits
from drumbeat.accounts import passwords
from drumbeat.accounts.model import Tenant, User

from tests.unit.accounts.people import PASSWORD, Person, bearer, me, person
from tests.world import World


def test_the_documented_answer(world: World, rina: Person) -> None:
    reply = rina.login()

    assert reply.status == 200
    assert reply.body["success"] is True
    assert reply.data["user"] == {"id": 1, "user_id": rina.id, "email": "rina@acme.example", "role": "marketer"}
    left = clock.parse(reply.data["expires_at"]) - clock.wall()
    assert 3590 < left.total_seconds() <= 3600


def test_the_token_works_and_carries_the_role(world: World, rina: Person) -> None:
    reply = me(world, rina.token())

    assert reply.data["actor"] == {
        "kind": "user", "id": rina.id, "name": None, "email": "rina@acme.example", "role": "marketer",
    }  # fmt: skip
    assert reply.data["tenant"]["id"] == "ten_acme"
    assert "contacts:write" in reply.data["scopes"]


def test_users_are_numbered_by_tenant(world: World, rina: Person) -> None:
    second = person(world, "ben@acme.example", "analyst")
    other = person(world, "ann@globex.example", "admin", tenant="globex")

    assert [who.login().data["user"]["id"] for who in (rina, second, other)] == [1, 2, 1]


def test_the_address_is_found_in_any_case(world: World, rina: Person) -> None:
    body = {"email": " Rina@ACME.example ", "password": PASSWORD}

    assert world.call("accounts.login", tenant=None, body=body).status == 200


def test_the_same_letters_typed_otherwise_are_the_same_password(world: World, rina: Person) -> None:
    assert rina.login("ｃｏｒｒｅｃｔ horse battery").status == 200


def test_a_stranger_learns_nothing_from_the_answer(world: World, rina: Person) -> None:
    answers = [
        rina.login("wrong horse battery"),
        world.call("accounts.login", tenant=None, body={"email": "nobody@acme.example", "password": PASSWORD}),
    ]
    world.call("accounts.update_user", path={"user_id": rina.id}, body={"state": "inactive"})
    answers.append(rina.login())

    assert {answer.status for answer in answers} == {401}
    assert {answer.body["error_code"] for answer in answers} == {"INVALID_CREDENTIALS"}
    assert len({len(answer.text) for answer in answers}) == 1
    assert len({frozenset(answer.headers) for answer in answers}) == 1


def test_a_stranger_learns_nothing_from_the_time(world: World, rina: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """One password is verified, with hashes of the same cost, whoever is named."""
    invited = world.call("accounts.create_user", body={"email": "new@acme.example", "role": "analyst"}).data["email"]
    verify, hashes = PasswordHasher.verify, list[str]()

    def watched(own: PasswordHasher, stored: str, tried: str) -> bool:
        hashes.append(stored)
        return verify(own, stored, tried)

    monkeypatch.setattr(PasswordHasher, "verify", watched)

    for email in (rina.email, "nobody@acme.example", invited):
        world.call("accounts.login", tenant=None, body={"email": email, "password": "wrong horse battery"})

    assert len(hashes) == 3
    assert {stored.rsplit("$", 2)[0] for stored in hashes} == {"$argon2id$v=19$m=47104,t=2,p=1"}


def test_an_invited_user_cannot_sign_in(world: World) -> None:
    world.call("accounts.create_user", body={"email": "new@acme.example", "role": "analyst"})

    assert Person(world, "", "new@acme.example").login().status == 401


def test_users_of_an_inactive_tenant_cannot_sign_in(world: World, rina: Person) -> None:
    token = rina.token()
    world.run("accounts.update_tenant", {"tenant_id": "ten_acme", "active": False})

    assert rina.login().status == 401
    assert me(world, token).status == 401


def test_the_eleventh_try_for_an_address_waits(world: World, rina: Person, half_past: Callable[[float], None]) -> None:
    tries = [rina.login("wrong horse battery") for _ in range(10)]
    refused = rina.login()

    assert [int(answer.headers["X-RateLimit-Remaining"]) for answer in tries] == list(range(9, -1, -1))
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "30"
    assert refused.body["error"] == {
        "code": "RATE_LIMIT_EXCEEDED", "limit": 10, "window": "1 minute", "retry_after": 30,
    }  # fmt: skip
    half_past(30)
    assert rina.login().status == 200


def test_tries_for_nobody_wait_as_well(world: World, half_past: Callable[[float], None]) -> None:
    nobody = Person(world, "", "nobody@acme.example")

    assert [nobody.login().status for _ in range(11)] == [401] * 10 + [429]


def test_one_ip_has_thirty_tries_a_minute(world: World, half_past: Callable[[float], None]) -> None:
    for number in range(30):
        limits.take_tries(f"nobody{number}@acme.example", "203.0.113.9", limits.SIGN_IN)

    nobody = Person(world, "", "nobody@acme.example")
    assert nobody.login(ip="203.0.113.9").status == 429
    assert nobody.login(ip="203.0.113.10").status == 401
    for number in range(40):
        limits.take_tries(f"nobody{number}@globex.example", "127.0.0.1", limits.SIGN_IN)
    assert nobody.login(ip="127.0.0.1").status == 401


def test_a_hash_of_older_parameters_is_made_anew(world: World, rina: Person) -> None:
    user = User.fetch(*User.key("ten_acme", rina.id))
    assert user is not None
    user.change(User.password.set(PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)))

    assert rina.login().status == 200

    after = User.fetch(*User.key("ten_acme", rina.id))
    assert after is not None and after.password is not None
    assert not passwords.outdated(after.password)
    assert rina.login().status == 200


def test_the_hash_of_nobody_takes_as_long_as_a_real_one() -> None:
    assert not passwords.outdated(passwords.NOBODY)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "", "password": ""}, ["email", "password"]),
        ({"email": "a@b.example", "password": "x" * 257}, ["password"]),
        ({"email": "a@b.example", "password": "x", "remember": True}, ["remember"]),
        ({"email": "\ud800@b.example", "password": 1}, ["email", "password"]),
        ([], ["body"]),
    ],
)
def test_bad_fields_are_named_in_the_documented_shape(world: World, body: object, fields: list[str]) -> None:
    reply = world.call("accounts.login", tenant=None, body=body)

    if isinstance(body, dict) and "\ud800" in str(body.get("email")):
        assert reply.status in (400, 422)  # JSON with a lone surrogate is not valid Unicode
        return
    assert reply.status == 422
    assert reply.body["error_code"] == reply.body["error"]["code"] == "INVALID_REQUEST_DATA"
    assert reply.body["error"]["field"] == fields[0]
    assert [problem["field"] for problem in reply.body["error"]["fields"]] == fields
    assert reply.body["request_id"] == reply.headers["X-Request-ID"]


def test_a_body_that_is_no_json(world: World) -> None:
    reply = world.call("accounts.login", tenant=None, body=b'{"email": ')

    assert (reply.status, reply.body["error_code"]) == (400, "MALFORMED_BODY")


def test_the_sign_in_is_recorded(world: World, rina: Person) -> None:
    token = rina.token()

    user = world.call("accounts.get_user", path={"user_id": rina.id}).data
    assert clock.parse(user["last_login_at"]) <= clock.business()
    assert "password" not in str(user) and token not in str(user)
    assert Tenant.fetch(*Tenant.key("ten_acme")) is not None


def test_signing_in_needs_no_credential_and_ignores_a_bad_one(world: World, rina: Person) -> None:
    assert rina.login(headers=bearer("nonsense")).status == 200
