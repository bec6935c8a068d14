"""Two tenants with the same things: what is one's is never the other's.

Every example of every endpoint is asked for three times in tests/unit/test_event_files.py: as it is, with a twin tenant
that owns the very same things, and when only the twin owns them (tests/twins.py). Here is what examples do not show.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from drumbeat import lists
from drumbeat.accounts import settings
from drumbeat.declare import Declaration

from tests import harness, twins
from tests.unit.system.test_access import PUBLIC, endpoints, written
from tests.world import World

ANN = {"email": "ann@town.example", "external_id": "7", "first_name": "Ann"}
BEA = {"email": "ann@town.example", "external_id": "7", "first_name": "Bea"}


def examples(declared: Declaration) -> list[dict[str, Any]]:
    folder = harness.ROOT / "events" / declared.name.replace(".", "/")
    return [json.loads(file.read_text(encoding="utf-8")) for file in Path(folder).glob("*.json")]


def test_each_endpoint_has_an_example_that_a_twin_can_be_asked_for() -> None:
    lacking = [
        one.name for one in endpoints() if not any(twins.can_ask(case, one.name) for case in examples(one))
    ]  # fmt: skip

    assert not lacking


def let_through(world: World, asked: Iterable[Declaration], part: str) -> list[tuple[Any, ...]]:
    """The endpoints that take another tenant's name in this part of a request, or write before they refuse it."""
    wrong = []
    for number, declared in enumerate(asked):
        asked_with: dict[str, Any] = {part: {("tenantId", "tenant_id")[number % 2]: "ten_globex"}}
        path = dict.fromkeys(re.findall(r"{(\w+)", declared.route or ""), "nothing")
        with written() as found:
            reply = world.call(declared.name, path=path, **asked_with)
        if reply.status != 403 or found:
            wrong.append((declared.name, reply.status, found))
    return wrong


def test_another_tenants_name_in_any_query_is_refused(world: World) -> None:
    assert not let_through(world, endpoints(), "query")


def test_another_tenants_name_in_any_body_is_refused(world: World) -> None:
    takers = [one for one in endpoints() if harness.function(one.name).entry.rule.body is not None]  # type: ignore[attr-defined]

    assert not let_through(world, takers, "body")


def test_one_idempotency_key_in_both_tenants_is_two_requests(world: World) -> None:
    key = {"Idempotency-Key": "order-7"}

    ours, theirs = (
        world.call("contacts.create_contact", tenant=tenant, body=body, headers=key)
        for tenant, body in (("acme", ANN), ("globex", BEA))
    )
    again = world.call("contacts.create_contact", tenant="globex", body=BEA, headers=key)

    assert (ours.status, theirs.status) == (201, 201)
    assert ours.data["id"] != theirs.data["id"]
    assert (again.data["first_name"], again.headers["Idempotency-Replayed"]) == ("Bea", "true")


def cursors(world: World, name: str, tenant: str) -> str:
    return str(world.call(name, tenant=tenant, query={"limit": "1"}).data["next_cursor"])


@pytest.mark.parametrize("name", ["contacts.list_contacts", "segments.list_segments"])
def test_a_cursor_of_another_tenant_is_none(world: World, name: str) -> None:
    _two_of_each(world, "acme")
    _two_of_each(world, "globex")

    reply = world.call(name, tenant="globex", query={"limit": "1", "cursor": cursors(world, name, "acme")})

    assert (reply.status, reply.refused) == (422, ["cursor"])
    own = world.call(name, tenant="globex", query={"limit": "1", "cursor": cursors(world, name, "globex")})
    assert len(own.data["items"]) == 1


def _two_of_each(world: World, tenant: str) -> None:
    for number in range(2):
        world.call("contacts.create_contact", tenant=tenant, body={"email": f"p{number}@town.example"})
        criteria = {"conditions": [{"field": "city", "operator": "equals", "value": "Dhaka"}]}
        body = {"name": f"S{number}", "criteria": criteria}
        assert world.call("segments.create_segment", tenant=tenant, body=body).status == 201


@pytest.mark.parametrize(
    "parts",
    [
        ("SEGMENT#ten_acme#x", "SEGMENT", "x"),
        ("CONTACT#ten_globex#x", "CONTACT", "x"),
        ("CONTACT", "CONTACT", "x"),
        ("", "", ""),
        ("CONTACT#ten_acme#x", "", "x"),
        ("CONTACT#ten_acme#x", "CONTACT", ""),
        ("CONTACT#ten_acme#" + "x" * 2100, "CONTACT", "x"),
    ],
)
def test_a_cursor_that_somebody_made_up(world: World, parts: tuple[str, str, str]) -> None:
    reply = world.call("contacts.list_contacts", query={"cursor": lists.encode(parts)})

    assert (reply.status, reply.refused) == (422, ["cursor"])


def test_no_endpoint_takes_a_cursor_of_the_twins(world: World) -> None:
    """Every list, with a cursor of another tenant's row of the kind that it lists."""
    wrong = []
    for declared in endpoints():
        query = harness.function(declared.name).entry.rule.query  # type: ignore[attr-defined]
        if query is None or "cursor" not in query.json_schema().get("properties", {}):
            continue
        path = dict.fromkeys(re.findall(r"{(\w+)", declared.route or ""), "nothing")
        for model in declared.reads:
            if getattr(model, "GLOBAL", False):
                continue
            cursor = lists.encode((f"{model.TYPE}#ten_globex#x", model.TYPE, "x"))
            reply = world.call(declared.name, path=path, query={"cursor": cursor})
            if reply.status not in (404, 422):
                wrong.append((declared.name, model.TYPE, reply.status))

    assert not wrong


def test_a_full_window_of_one_tenant_is_not_the_others(world: World) -> None:
    for tenant in ("acme", "globex"):
        world.key(tenant, ("*",), f"{tenant}slow", limits={"standard": 1})

    def tried(tenant: str) -> int:
        key = {"X-API-Key": f"db_live_{tenant}slow_secret"}
        return world.call("accounts.get_me", tenant=None, headers=key).status

    assert [tried("acme"), tried("acme"), tried("globex")] == [200, 429, 200]


def test_a_warm_instance_serves_each_its_own(world: World) -> None:
    """Keys, settings, segments and templates stay in an instance; the next request may be another tenant's."""
    for tenant, zone in (("acme", "Asia/Dhaka"), ("globex", "Europe/Paris")):
        assert world.call("accounts.update_settings", tenant=tenant, body={"time_zone": zone}).status == 200

    for _ in range(2):
        seen = {
            tenant: (
                world.call("accounts.get_me", tenant=tenant).data["tenant"]["id"],
                world.call("accounts.get_settings", tenant=tenant).data["time_zone"],
                settings.of(f"ten_{tenant}").time_zone,
            )
            for tenant in ("acme", "globex")
        }
        assert seen == {
            "acme": ("ten_acme", "Asia/Dhaka", "Asia/Dhaka"),
            "globex": ("ten_globex", "Europe/Paris", "Europe/Paris"),
        }


def test_a_warm_instance_renders_each_its_own_template(world: World) -> None:
    """The same slug, the same contact id elsewhere, the same source but for a word."""
    shown = {}
    for tenant in ("acme", "globex"):
        body = {"name": "Hello", "subject": f"From {tenant}", "html": f"<p>{{{{ city }}}} {tenant}</p>"}
        made = world.call("templates.create_template", tenant=tenant, body=body)
        assert made.status == 201, made.text
    for tenant in ("acme", "globex", "acme"):
        reply = world.call("templates.preview_template", tenant=tenant, path={"template_id": "hello"}, body={})
        assert reply.status == 200, reply.text
        shown[tenant] = reply.data["subject"]

    assert shown == {"acme": "From acme", "globex": "From globex"}


FORGED = ("test2", "x", "AAAA" * 11, "A" * 43, "é" * 20, "." * 43, "A" * 500, "../p", "snd_01JD0000000000000000000000")


@pytest.mark.parametrize("name", sorted(name for name in PUBLIC if name.split(".")[0] in ("tracking", "privacy")))
def test_a_forged_token_does_nothing(world: World, name: str) -> None:
    """No row is written, nothing is queued, nothing is said of anybody."""
    declared = harness.function(name).declaration
    parameters = re.findall(r"{(\w+)", declared.route or "")
    world.call("contacts.create_contact", body=ANN)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for token in FORGED:
        path = {"wish": "export", "code": token, "link": "1", "token": token}
        with written() as found:
            reply = world.call(
                name, tenant=None, path={key: path[key] for key in parameters}, body=b"List-Unsubscribe=One-Click",
                headers=form,
            )  # fmt: skip
        assert reply.status in ((200,) if name == "tracking.record_open" else (400, 404)), (token, reply.status)
        assert not found
        assert "town.example" not in reply.text

    assert not _queued()


def _queued() -> list[str]:
    from tests import rewind

    return [name for name, queue in rewind.backend("sqs").queues.items() if queue.messages]


@pytest.mark.parametrize("name", ["accounts.accept_invitation", "accounts.reset_password"])
def test_a_forged_invitation_does_nothing(world: World, name: str) -> None:
    for token in FORGED:
        with written() as found:
            reply = world.call(name, tenant=None, body={"token": token, "password": "correct horse battery"})
        assert reply.status in (400, 422), reply.text
        assert not found
