"""What the edge refuses before a rule sees it: other tenants' names, paths that no id has, keys on a GET."""

from typing import Any

import pytest

from tests.world import World

ANN = {"email": "ann@town.example"}


@pytest.mark.parametrize("name", ["tenantId", "tenant_id"])
@pytest.mark.parametrize("other", ["ten_globex", 7, ["ten_acme"]])
def test_another_tenant_in_the_body_is_403(world: World, name: str, other: Any) -> None:
    reply = world.call("contacts.create_contact", body={**ANN, name: other})

    assert (reply.status, reply.body["error_code"]) == (403, "FORBIDDEN")
    assert world.call("contacts.list_contacts").data["items"] == []


@pytest.mark.parametrize("own", ["ten_acme", None])
def test_the_own_tenant_in_the_body_is_no_unknown_field(world: World, own: str | None) -> None:
    assert world.call("contacts.create_contact", body={**ANN, "tenantId": own}).status == 201


@pytest.mark.parametrize("name", ["tenantId", "tenant_id"])
def test_the_tenant_of_a_query(world: World, name: str) -> None:
    assert world.call("contacts.list_contacts", query={name: "ten_globex"}).status == 403
    assert world.call("contacts.list_contacts", query={name: "ten_acme"}).status == 200


def test_a_tenant_in_a_documented_request(world: World) -> None:
    route = "POST /api/marketing/email/templates"
    body = {"name": "W", "subject": "Hi", "html_content": "<p>Hi</p>"}

    assert world.call("templates.create_template", route=route, body={**body, "tenantId": "ten_globex"}).status == 403
    assert world.call("templates.create_template", route=route, body={**body, "tenantId": "ten_acme"}).status < 300


def test_a_refused_tenant_does_not_use_up_the_key(world: World) -> None:
    key = {"Idempotency-Key": "k"}

    assert world.call("contacts.create_contact", body={**ANN, "tenantId": "x"}, headers=key).status == 403
    assert world.call("contacts.create_contact", body={**ANN, "tenantId": "x"}, headers=key).status == 403


@pytest.mark.parametrize("name", ["contacts.get_contact", "contacts.get_import", "accounts.get_user"])
@pytest.mark.parametrize("text", ["x" * 513, "আ" * 171, "x" * 3000])
def test_a_path_that_no_key_could_hold_is_404(world: World, name: str, text: str) -> None:
    parameter = {"contacts.get_contact": "contact_id", "contacts.get_import": "import_id"}.get(name, "user_id")

    assert world.call(name, path={parameter: text}).status == 404


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        ("contacts.get_import", "import_id"), ("accounts.get_user", "user_id"), ("accounts.get_api_key", "key_id"),
        ("contacts.start_import", "import_id"), ("accounts.revoke_api_key", "key_id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("text", ["", "a#b", "x" * 400, "con_01JD0000000000000000000000", "\ud800"])
def test_what_is_no_id_is_404(world: World, name: str, parameter: str, text: str) -> None:
    assert world.call(name, path={parameter: text}).status == 404


def test_an_idempotency_key_is_for_post_only(world: World) -> None:
    contact = world.call("contacts.create_contact", body=ANN).data["id"]
    key, path = {"Idempotency-Key": "k"}, {"contact_id": contact}
    first = world.call("contacts.get_contact", path=path, headers=key)
    world.call("contacts.update_contact", path=path, body={"first_name": "Ann"}, headers=key)
    again = world.call("contacts.get_contact", path=path, headers=key)

    assert (first.data["first_name"], again.data["first_name"]) == (None, "Ann")
    assert "Idempotency-Replayed" not in again.headers
    changed = world.call("contacts.update_contact", path=path, body={"first_name": "Bea"}, headers=key)
    assert (changed.status, changed.data["first_name"]) == (200, "Bea")
