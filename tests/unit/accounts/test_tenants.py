"""What only the operator does: making tenants, their limits, passwords."""

import io
import json
from typing import Any

import pytest
from drumbeat.accounts.model import Tenant

from infra import operators
from infra import tenant as command
from tests.unit.accounts.people import PASSWORD, Person
from tests.world import World


class Lambda:
    """As much of Lambda's API as the command uses."""

    def __init__(self, world: World) -> None:
        self.world = world

    def invoke(self, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert FunctionName == "drumbeat-accounts-create_tenant"
        return {"Payload": io.BytesIO(json.dumps(self.world.run(command.CREATE, json.loads(Payload))).encode())}


def make(world: World, **wanted: Any) -> dict[str, Any]:
    return dict(world.run("accounts.create_tenant", wanted)["data"])


def test_a_new_tenant_can_work_at_once(world: World) -> None:
    made = make(world, name="Initech", settings={"currency": "BDT"}, limits={"standard": 900})

    me = world.call("accounts.get_me", tenant=None, headers={"X-API-Key": made["api_key"]}).data
    assert me["tenant"] == {"id": made["tenant"], "name": "Initech", "slug": "initech"}
    assert me["limits"]["standard"] == 900
    shown = world.call("accounts.get_settings", tenant=None, headers={"X-API-Key": made["api_key"]}).data
    assert (shown["currency"], shown["sender_name"]) == ("BDT", "Initech")


def test_the_invited_administrator_gets_in(world: World) -> None:
    made = make(world, name="Initech", admin_email="bill@initech.example")
    body = {"token": made["invitation"]["token"], "password": PASSWORD}
    assert world.call("accounts.accept_invitation", tenant=None, body=body).data["role"] == "admin"

    assert Person(world, "", "bill@initech.example").login().data["user"]["id"] == 1


@pytest.mark.parametrize("slug", ["acme-two", "ACME two", "acme_two"])
def test_a_name_is_given_once(world: World, slug: str) -> None:
    first = make(world, name="Acme Two")

    refused = world.run("accounts.create_tenant", {"name": "Other", "slug": slug})

    assert refused["error"]["code"] == "SLUG_TAKEN"
    assert "acme_two" in refused["error"]["message"]
    assert Tenant.fetch(*Tenant.key(first["tenant"])) is not None


def test_the_same_id_again_is_the_same_tenant_without_its_key(world: World) -> None:
    first = make(world, name="Initech", tenant_id="ten_1")
    again = make(world, name="Initech", tenant_id="ten_1")

    assert again == {**first, "created": False, "api_key": None}
    assert (
        world.call("accounts.list_api_keys", tenant=None, headers={"X-API-Key": first["api_key"]}).data["total_count"]
        == 1
    )


def test_nothing_is_left_of_a_tenant_that_was_refused(world: World) -> None:
    make(world, name="One", admin_email="bill@initech.example")
    refused = world.run(
        "accounts.create_tenant", {"name": "Two", "tenant_id": "ten_2", "admin_email": "bill@initech.example"}
    )

    assert refused["error"]["code"] == "EMAIL_TAKEN"
    assert Tenant.fetch(*Tenant.key("ten_2")) is None
    assert make(world, name="Two", tenant_id="ten_2")["created"] is True


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"name": ""},
        {"name": "x", "tenant_id": "ten_a#b"},
        {"name": "x", "settings": {"currency": 1}},
        {"name": "x", "slug": "!!!"},
    ],
)
def test_what_a_tenant_cannot_be(world: World, wanted: dict[str, Any]) -> None:
    assert world.run("accounts.create_tenant", wanted)["error"]["code"] == "VALIDATION_ERROR"


def test_the_operator_sets_a_password(world: World, rina: Person) -> None:
    token = rina.token()
    wanted = {"email": rina.email, "password": "password"}

    assert world.run("accounts.set_password", wanted)["error"]["code"] == "VALIDATION_ERROR"
    assert world.run("accounts.set_password", {**wanted, "weak": True})["data"]["id"] == rina.id
    assert rina.login("password").status == 200
    assert rina.login(PASSWORD).status == 401
    assert world.call("accounts.get_me", tenant=None, headers={"Authorization": f"Bearer {token}"}).status == 401
    assert world.run("accounts.set_password", {**wanted, "email": "no@one.example"})["error"]["code"] == "NOT_FOUND"


def test_the_command_prints_the_key_once(world: World) -> None:
    wanted = command.asked(["Initech", "--tenant-id", "ten_1", "--admin-email", "bill@initech.example"])
    made = command.create(Lambda(world), wanted)

    said = command.report(made)
    assert made["api_key"] in said and made["invitation"]["link"] in said and "ten_1 (initech)" in said
    again = command.report(command.create(Lambda(world), wanted))
    assert "was there already" in again and "db_live_" not in again


def test_the_command_says_why_not(world: World) -> None:
    command.create(Lambda(world), command.asked(["Initech"]))

    with pytest.raises(operators.Refused, match="SLUG_TAKEN"):
        command.create(Lambda(world), command.asked(["Initech"]))
