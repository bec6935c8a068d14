"""Two change the same account at once: what one of them has read is not true any more when it writes."""

import json
from typing import Any

import pytest
from drumbeat import clock
from drumbeat.accounts import links, settings
from drumbeat.accounts.model import ApiKey, Tenant, User
from drumbeat.accounts.settings import SettingsChange

from tests.meanwhile import appeared, changed, quicker, stored
from tests.unit.accounts.people import PASSWORD, Person
from tests.world import World

ACME = Tenant.key("ten_acme")


def colleague(world: World, email: str, role: str, state: str = "active") -> Person:
    """Somebody who never had a password: to make one takes long."""
    made = world.call("accounts.create_user", body={"email": email, "role": role}).data["id"]
    changed(User.key("ten_acme", made), state=state)
    return Person(world, made, email)


def user(who: Person) -> tuple[str, str]:
    return User.key("ten_acme", who.id)


@pytest.mark.parametrize("revoked_before", [False, True])
def test_two_rotations_of_a_key_at_once_make_one_key(world: World, revoked_before: bool) -> None:
    """Of a key that was never rotated, and of one whose successor was revoked."""
    first = world.call("accounts.create_api_key", body={"name": "Shop", "scopes": ["*"]}).data["id"]
    if revoked_before:
        second = world.call("accounts.rotate_api_key", path={"key_id": first}).data["id"]
        world.call("accounts.revoke_api_key", path={"key_id": second})

    with quicker(ApiKey.key(first), changed, replaced_by="theotherone"):
        reply = world.call("accounts.rotate_api_key", path={"key_id": first})

    assert (reply.status, reply.body["error_code"]) == (409, "TWO_KEYS_ACTIVE")


def test_a_key_that_is_revoked_while_it_is_rotated_has_no_successor(world: World) -> None:
    first = world.call("accounts.create_api_key", body={"name": "Shop", "scopes": ["*"]}).data["id"]

    with quicker(ApiKey.key(first), changed, state="revoked"):
        reply = world.call("accounts.rotate_api_key", path={"key_id": first})

    assert (reply.status, reply.body["error_code"]) == (409, "API_KEY_REVOKED")


def test_whoever_is_made_inactive_while_a_reset_is_mailed_stays_out(world: World, rina: Person) -> None:
    message = {"Records": [{"messageId": "1", "body": f'{{"email": "{rina.email}", "request": "req_1"}}'}]}
    with quicker(user(rina), changed, state="inactive", session=9):
        world.run("accounts.send_password_reset", message)
    ((_, text),) = world.mails()
    token = text.split("reset=", 1)[1].split()[0]

    reply = world.call("accounts.reset_password", tenant=None, body={"token": token, "password": PASSWORD})

    assert reply.body["error_code"] == "INVALID_TOKEN"
    assert rina.login().status == 401


def test_a_sign_in_with_a_password_that_was_changed_just_now(world: World, rina: Person) -> None:
    with quicker(user(rina), changed, session=9):
        assert rina.login().status == 401

    assert "last_login_at" not in (stored(user(rina)) or {})


def test_two_changes_of_settings_at_once_are_both_in_force(world: World) -> None:
    before = json.loads((stored(ACME) or {})["settings"])

    with quicker(ACME, changed, settings=json.dumps({**before, "currency": "BDT"})):
        after = world.call("accounts.update_settings", body={"time_zone": "Asia/Dhaka"}).data

    assert (after["currency"], after["time_zone"]) == ("BDT", "Asia/Dhaka")


def test_two_changes_of_limits_at_once_are_both_in_force(world: World) -> None:
    with quicker(ACME, changed, limits=json.dumps({"standard": 7})):
        after = world.run("accounts.update_tenant", {"tenant_id": "ten_acme", "limits": {"events": 9}})["data"]

    assert after["limits"] == {"standard": 7, "events": 9}


def test_a_tenant_that_is_made_twice_at_once_is_one(world: World) -> None:
    key = Tenant.key("ten_1")
    other = Tenant(
        *key,
        gsi1pk="TENANTS#all",
        gsi1sk="ten_1",
        tenant="ten_1",
        name="Initech",
        slug="initech",
        created_at=clock.wall(),
    )

    with quicker(key, appeared, other):
        made = world.run("accounts.create_tenant", {"name": "Initech", "tenant_id": "ten_1"})["data"]

    assert (made["created"], made["api_key"]) == (False, None)


PROMOTED = ("marketer", "active", {"role": "admin"})
ACTIVATED = ("admin", "inactive", {"state": "active"})


@pytest.mark.parametrize(
    ("role", "state", "meanwhile", "end"),
    [
        (*PROMOTED, {"state": "inactive"}), (*PROMOTED, None),
        (*ACTIVATED, {"role": "analyst"}), (*ACTIVATED, None),
    ],
)  # fmt: skip
def test_whoever_becomes_the_last_administrator_meanwhile_stays(
    world: World, role: str, state: str, meanwhile: dict[str, Any], end: dict[str, str] | None
) -> None:
    rina = colleague(world, "rina@acme.example", role, state)

    with quicker(user(rina), changed, **meanwhile):
        reply = ended(world, rina, end)

    assert (reply.status, reply.body["error_code"]) == (409, "LAST_ADMIN")


@pytest.mark.parametrize("meanwhile", [{"role": "marketer"}, {"state": "inactive"}])
def test_two_administrators_do_not_end_each_other_at_once(world: World, meanwhile: dict[str, Any]) -> None:
    boss, second = (colleague(world, f"{name}@acme.example", "admin") for name in ("boss", "second"))

    with quicker(user(boss), lambda _: changed(user(second), **meanwhile)):
        reply = ended(world, boss, {"role": "marketer"})

    assert (reply.status, reply.body["error_code"]) == (409, "LAST_ADMIN")


def ended(world: World, who: Person, end: dict[str, str] | None) -> Any:
    path = {"user_id": who.id}
    if end is None:
        return world.call("accounts.delete_user", path=path)
    return world.call("accounts.update_user", path=path, body=end)


def test_a_link_of_before_the_password_was_changed_is_of_no_use(world: World) -> None:
    who = colleague(world, "rina@acme.example", "marketer")
    link, row = links.made(User.get(*user(who)), "reset", "")
    row.create()
    changed(user(who), session=9)

    with pytest.raises(links.InvalidLink):
        links.follow("reset", links.NewPassword(token=link.token, password=PASSWORD))


def test_two_who_change_settings_at_once_both_do(world: World) -> None:
    """Also where something else must hold: with the change in a transaction."""
    with quicker(ACME, changed, settings=json.dumps({"language": "bn"})):
        settings.change("ten_acme", SettingsChange(currency="BDT"), holding=lambda transaction: None)

    after = settings.fresh("ten_acme")
    assert (after.language, after.currency) == ("bn", "BDT")
