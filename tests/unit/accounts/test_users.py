"""People: inviting, changing, deleting, lost passwords."""

from collections.abc import Callable
from typing import get_args

import pytest
from drumbeat import clock
from drumbeat.access import ROLES
from drumbeat.accounts.links import LASTS
from drumbeat.accounts.model import Invite, Login, User
from drumbeat.accounts.onetime import hashed
from drumbeat.accounts.users import Role

from tests.unit.accounts.people import PASSWORD, Person, bearer, person
from tests.world import World

NEW = {"email": "new@acme.example", "role": "analyst"}


def test_the_roles_of_users_are_the_roles_of_access() -> None:
    assert set(get_args(Role)) == set(ROLES)


def test_only_the_hash_of_an_invitation_is_stored(world: World) -> None:
    invitation = world.call("accounts.create_user", body=NEW).data["invitation"]

    assert invitation["link"] == f"https://track.example/v1/auth/password#invitation={invitation['token']}"
    assert Invite.fetch(*Invite.key(hashed(invitation["token"]))) is not None
    assert invitation["token"] not in everything(world)


def everything(world: World) -> str:
    """All that the table holds, as text."""
    import boto3
    from drumbeat import table

    return str(boto3.client("dynamodb").scan(TableName=table.TABLE)["Items"])


def test_an_address_is_unique_over_all_tenants(world: World) -> None:
    assert world.call("accounts.create_user", body=NEW).status == 201
    again = world.call("accounts.create_user", tenant="globex", body={**NEW, "email": "NEW@acme.example"})

    assert (again.status, again.body["error_code"]) == (409, "EMAIL_TAKEN")
    assert world.call("accounts.list_users", tenant="globex").data["total_count"] == 0


def test_the_same_request_twice_is_one_user_and_one_answer(world: World) -> None:
    first, second = (world.call("accounts.create_user", body=NEW, headers={"Idempotency-Key": "k1"}) for _ in range(2))

    assert first.status == second.status == 201
    assert first.data == second.data
    assert world.call("accounts.list_users").data["total_count"] == 1
    assert first.data["invitation"]["token"] not in everything(world)


def test_an_invitation_twice_after_it_was_used(world: World) -> None:
    first = world.call("accounts.create_user", body=NEW, headers={"Idempotency-Key": "k1"}).data
    body = {"token": first["invitation"]["token"], "password": PASSWORD}
    world.call("accounts.accept_invitation", tenant=None, body=body)

    again = world.call("accounts.create_user", body=NEW, headers={"Idempotency-Key": "k1"})

    assert (again.status, again.body["error_code"]) == (409, "INVITATION_USED")


def test_an_invitation_expires(world: World, half_past: Callable[[float], None]) -> None:
    token = world.call("accounts.create_user", body=NEW).data["invitation"]["token"]
    half_past(LASTS["invitation"].total_seconds())

    reply = world.call("accounts.accept_invitation", tenant=None, body={"token": token, "password": PASSWORD})

    assert (reply.status, reply.body["error_code"]) == (400, "INVALID_TOKEN")


def test_a_renewed_invitation_works_and_ends_the_older_one(world: World) -> None:
    user = world.call("accounts.create_user", body=NEW).data
    fresh = world.call("accounts.renew_invitation", path={"user_id": user["id"]}).data["invitation"]["token"]
    assert fresh != user["invitation"]["token"]

    def accept(token: str) -> int:
        return world.call("accounts.accept_invitation", tenant=None, body={"token": token, "password": PASSWORD}).status

    assert accept(fresh) == 200
    assert accept(user["invitation"]["token"]) == 400


def test_a_renewal_sent_twice_is_one_link(world: World) -> None:
    path = {"user_id": world.call("accounts.create_user", body=NEW).data["id"]}
    key = {"Idempotency-Key": "k2"}
    first, second = (world.call("accounts.renew_invitation", path=path, headers=key).data for _ in range(2))

    assert first["invitation"]["token"] == second["invitation"]["token"]


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaa", "new@acme.example", "NEW@ACME.EXAMPLE", "x" * 257, "", "   \t      "]
)
def test_weak_passwords_leave_the_link_usable(world: World, password: str) -> None:
    token = world.call("accounts.create_user", body=NEW).data["invitation"]["token"]

    weak = world.call("accounts.accept_invitation", tenant=None, body={"token": token, "password": password})

    assert weak.status == 422 and weak.refused == ["password"]
    good = world.call("accounts.accept_invitation", tenant=None, body={"token": token, "password": PASSWORD})
    assert good.status == 200


def test_a_reset_link_is_no_invitation(world: World, rina: Person) -> None:
    world.call("accounts.request_password_reset", tenant=None, body={"email": rina.email})
    world.settle()
    token = world.mails()[-1][1].split("#reset=")[1].split()[0]
    body = {"token": token, "password": "another horse battery"}

    assert world.call("accounts.accept_invitation", tenant=None, body=body).status == 400
    assert world.call("accounts.reset_password", tenant=None, body=body).status == 200
    assert world.call("accounts.reset_password", tenant=None, body=body).status == 400


def test_a_reset_ends_all_other_links(world: World, rina: Person, half_past: Callable[[float], None]) -> None:
    for _ in range(2):
        world.call("accounts.request_password_reset", tenant=None, body={"email": rina.email})
    world.settle()
    first, second = (text.split("#reset=")[1].split()[0] for _, text in world.mails())

    def reset(token: str) -> int:
        body = {"token": token, "password": "another horse battery"}
        return world.call("accounts.reset_password", tenant=None, body=body).status

    assert reset(second) == 200
    assert reset(first) == 400


def test_a_reset_mail_goes_to_active_users_only(world: World, rina: Person) -> None:
    world.call("accounts.create_user", body=NEW)
    world.call("accounts.update_user", path={"user_id": rina.id}, body={"state": "inactive"})
    for email in (rina.email, NEW["email"], "nobody@acme.example"):
        reply = world.call("accounts.request_password_reset", tenant=None, body={"email": email})
        assert reply.status == 202
    world.settle()

    assert world.mails() == []


def test_a_reset_mail_comes_once_for_a_request(world: World, rina: Person) -> None:
    message = {"Records": [{"messageId": "1", "body": f'{{"email": "{rina.email}", "request": "req_1"}}'}]}
    for _ in range(3):
        world.run("accounts.send_password_reset", message)

    assert [to for to, _ in world.mails()] == [rina.email]


def test_a_mail_that_ses_refuses_is_tried_again(world: World, rina: Person) -> None:
    world.call("accounts.update_settings", body={"sender_email": "unverified@elsewhere.example"})
    message = {"Records": [{"messageId": "1", "body": f'{{"email": "{rina.email}", "request": "req_1"}}'}]}
    failed = world.run("accounts.send_password_reset", message)
    world.call("accounts.update_settings", body={"sender_email": "news@acme.example"})
    again = world.run("accounts.send_password_reset", message)

    assert failed == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert again == {"batchItemFailures": []}
    assert len(world.mails()) == 1


def test_the_answer_to_a_reset_is_the_same_for_everyone(
    world: World, rina: Person, half_past: Callable[[float], None]
) -> None:
    known, unknown = (
        world.call("accounts.request_password_reset", tenant=None, body={"email": email})
        for email in (rina.email, "nobody@acme.example")
    )

    assert known.status == unknown.status == 202
    assert known.body["message"] == unknown.body["message"]
    assert len(known.text) == len(unknown.text)
    more = [
        world.call("accounts.request_password_reset", tenant=None, body={"email": rina.email}).status for _ in range(3)
    ]
    assert more == [202, 202, 429]


def test_a_changed_user_keeps_the_rest(world: World, rina: Person) -> None:
    path = {"user_id": rina.id}

    assert world.call("accounts.update_user", path=path, body={"name": "Rina"}).data["name"] == "Rina"
    assert world.call("accounts.update_user", path=path, body={"role": "analyst"}).data["name"] == "Rina"
    assert world.call("accounts.update_user", path=path, body={"name": None}).data["name"] is None
    assert world.call("accounts.update_user", path=path, body={}).data["role"] == "analyst"


@pytest.mark.parametrize("body", [{"role": "marketer"}, {"state": "inactive"}])
def test_the_last_administrator_stays(world: World, boss: Person, body: dict[str, str]) -> None:
    person(world, "ann@globex.example", "admin", tenant="globex")
    world.call("accounts.create_user", body={"email": "late@acme.example", "role": "admin"})  # invited: cannot act yet
    path = {"user_id": boss.id}

    assert world.call("accounts.update_user", path=path, body=body).body["error_code"] == "LAST_ADMIN"
    assert world.call("accounts.delete_user", path=path).body["error_code"] == "LAST_ADMIN"
    second = person(world, "second@acme.example", "admin")
    assert world.call("accounts.update_user", path=path, body=body).status == 200
    assert world.call("accounts.delete_user", path={"user_id": second.id}).status == 409


def test_a_deleted_users_address_is_free(world: World, rina: Person) -> None:
    assert world.call("accounts.delete_user", path={"user_id": rina.id}).status == 200

    assert Login.fetch(*Login.key(rina.email)) is None
    assert User.fetch(*User.key("ten_acme", rina.id)) is None
    assert world.call("accounts.delete_user", path={"user_id": rina.id}).status == 404
    assert (
        world.call("accounts.create_user", tenant="globex", body={"email": rina.email, "role": "analyst"}).status == 201
    )


def test_nobody_gives_a_role_that_can_do_more(world: World, boss: Person, rina: Person) -> None:
    limited = {"X-API-Key": world.key("acme", ("accounts:read", "accounts:write"))}
    body = {"email": "x@acme.example", "role": "admin"}

    assert world.call("accounts.create_user", tenant=None, headers=limited, body=body).status == 403
    for name, more in (("update_user", {"body": {"role": "admin"}}), ("delete_user", {})):
        path = {"user_id": rina.id}
        assert world.call(f"accounts.{name}", tenant=None, headers=limited, path=path, **more).status == 403
        assert (
            world.call(f"accounts.{name}", tenant=None, headers=limited, path={"user_id": boss.id}, **more).status
            == 403
        )


@pytest.mark.parametrize("role", ["marketer", "analyst", "service"])
def test_only_administrators_change_accounts(world: World, role: str) -> None:
    who = bearer(person(world, f"{role}@acme.example", role).token())
    path = {"user_id": "usr_01JD0000000000000000000000"}
    calls = [
        world.call("accounts.create_user", tenant=None, headers=who, body=NEW),
        world.call("accounts.update_user", tenant=None, headers=who, path=path, body={}),
        world.call("accounts.delete_user", tenant=None, headers=who, path=path),
        world.call(
            "accounts.create_api_key", tenant=None, headers=who, body={"name": "x", "scopes": ["contacts:read"]}
        ),
        world.call("accounts.update_settings", tenant=None, headers=who, body={}),
    ]

    assert [reply.status for reply in calls] == [403] * 5
    reads = world.call("accounts.list_users", tenant=None, headers=who)
    assert reads.status == (200 if role == "analyst" else 403)


def test_other_tenants_users_are_unknown(world: World, rina: Person) -> None:
    path = {"user_id": rina.id}
    calls = [
        world.call("accounts.get_user", tenant="globex", path=path),
        world.call("accounts.update_user", tenant="globex", path=path, body={"name": "x"}),
        world.call("accounts.delete_user", tenant="globex", path=path),
        world.call("accounts.renew_invitation", tenant="globex", path=path),
    ]

    assert [reply.status for reply in calls] == [404] * 4


def test_users_are_listed_newest_first_in_pages(world: World) -> None:
    made = [
        world.call("accounts.create_user", body={"email": f"u{n}@acme.example", "role": "analyst"}).data["id"]
        for n in range(5)
    ]
    first = world.call("accounts.list_users", query={"limit": "2"}).data
    second = world.call("accounts.list_users", query={"limit": "2", "cursor": first["next_cursor"]}).data
    third = world.call("accounts.list_users", query={"limit": "2", "page": "3"}).data

    listed = [item["id"] for page in (first, second, third) for item in page["items"]]
    assert sorted(listed) == sorted(made)
    assert first["total_count"] == 5 and third["next_cursor"] is None
    assert [item["created_at"] for item in first["items"]] == sorted(
        (item["created_at"] for item in first["items"]), reverse=True
    )


@pytest.mark.parametrize(
    "email",
    [
        "",
        "x",
        "x@",
        "@y.example",
        "x@localhost",
        "a b@c.example",
        "x@y.example\nBcc: z@y.example",
        "x" * 250 + "@y.example",
    ],
)
def test_addresses_that_are_none(world: World, email: str) -> None:
    reply = world.call("accounts.create_user", body={"email": email, "role": "analyst"})

    assert reply.status == 422 and reply.refused == ["email"]


def test_times_of_links_are_of_the_wall_clock(world: World) -> None:
    invitation = world.call("accounts.create_user", body=NEW).data["invitation"]

    assert abs(clock.parse(invitation["expires_at"]) - clock.wall() - LASTS["invitation"]).total_seconds() < 10
