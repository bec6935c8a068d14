"""Who may call what: every endpoint against every role, scope and broken credential, from the declarations."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import access, clock, table
from drumbeat.accounts import scopes, tokens
from drumbeat.accounts.model import Tenant, User
from drumbeat.declare import Declaration

from tests import harness
from tests.harness import Reply
from tests.world import World, all_functions

# Routes without a credential, and why each needs none. What a token opens is the token's tenant's.
PUBLIC = {
    "accounts.accept_invitation": "the invitation's token says who",
    "accounts.get_password_page": "the same page for everybody",
    "accounts.login": "address and password are the credential",
    "accounts.request_password_reset": "the same answer for everybody; a mail to the address itself",
    "accounts.reset_password": "the mail's token says who",
    "feedback.receive_sendgrid_reports": "SendGrid's signature, by the account's key",
    "feedback.receive_sendgrid_webhook": "SendGrid's signature, by the account's key",
    "feedback.receive_sms": "Twilio's signature, by the account's token",
    "feedback.receive_twilio": "Twilio's signature, by the account's token",
    "feedback.receive_twilio_report": "Twilio's signature, by the account's token",
    "privacy.ask_for_link": "a message's token; a mail to the recipient itself",
    "privacy.confirm_request": "a message's token, and the code of the mail",
    "privacy.show_confirmation": "a page with a button; the code of the mail",
    "system.get_health": "says nothing of tenants",
    "system.get_openapi": "the same document for everybody",
    "system.not_found": "says that there is nothing",
    "system.show_docs": "the same page for everybody",
    "tracking.change_preferences": "a message's token",
    "tracking.confirm_subscription": "the confirmation mail's token",
    "tracking.follow_link": "a message's token",
    "tracking.record_open": "a pixel for everybody; only a message's token counts",
    "tracking.show_confirmation": "the confirmation mail's token; a page with a button",
    "tracking.show_preferences": "a message's token",
    "tracking.show_unsubscribe": "a message's token; a page with a button",
    "tracking.unsubscribe_contact": "a message's token",
}


def endpoints() -> list[Declaration]:
    """All routes that need a credential."""
    declared = [function.declaration for function in all_functions().values()]
    return [one for one in declared if one.kind == "http" and one.scope is not None]


@contextmanager
def written() -> Iterator[list[str]]:
    """The partitions that are written meanwhile, but for counted requests."""
    found: list[str] = []

    def look(params: dict[str, Any], model: Any, **_: Any) -> None:
        found.extend(
            key for kind, key in harness._touched(model.name, params) if kind == "write" and not key.startswith("RATE#")
        )

    events = table.connection().connection.client.meta.events
    events.register("before-parameter-build.dynamodb.*", look, unique_id="written")
    try:
        yield found
    finally:
        events.unregister("before-parameter-build.dynamodb.*", unique_id="written")


def ask(declared: Declaration, headers: dict[str, str]) -> Reply:
    """A request without a body, for things that there are not."""
    path = dict.fromkeys(_parameters(declared.route or ""), "nothing")
    return harness.ask(declared.name, path=path, headers=headers)


def _parameters(route: str) -> list[str]:
    return [part.strip("{}+") for part in route.split("/") if part.startswith("{")]


def _covers(held: frozenset[str], scope: str) -> bool:
    """What README says of scopes: the scope itself, all of its thing, its act on all things, everything."""
    thing, act = scope.split(":")
    return thing == "self" or bool(held & {"*", scope, f"{thing}:*", f"*:{act}"})


def user(role: str, **more: Any) -> dict[str, str]:
    """A person of acme, signed in."""
    made = User(
        *User.key("ten_acme", f"usr_{role}"), gsi1pk="USERS#ten_acme", gsi1sk=role, tenant="ten_acme",
        user=f"usr_{role}", number=1, email=f"{role}@acme.example", role=role, session=1,
        created_at=clock.wall(), **{"state": "active", **more},
    )  # fmt: skip
    made.save()
    token, _ = tokens.issued(made, clock.wall())
    return {"Authorization": f"Bearer {token}"}


def test_every_route_without_a_credential_is_known(world: World) -> None:
    declared = [function.declaration for function in all_functions().values()]

    assert {one.name for one in declared if one.kind == "http" and one.scope is None} == set(PUBLIC)


@pytest.mark.parametrize("role", sorted(access.ROLES))
def test_every_role_at_every_endpoint(world: World, role: str) -> None:
    signed_in = user(role)
    wrong = []
    for declared in endpoints():
        allowed = _covers(access.ROLES[role], declared.scope or "")
        with written() as found:
            reply = ask(declared, signed_in)
        refused = reply.status == 403 and f"the scope {declared.scope}." in reply.text
        if refused == allowed or reply.status in (401, 500) or (refused and found):
            wrong.append((declared.name, declared.scope, reply.status, found))

    assert not wrong, f"{role}: {wrong}"


def test_exactly_the_declared_scope_opens_an_endpoint(world: World) -> None:
    """A key with every scope but those that cover the declared one is refused, so each of them alone is refused too;
    what each role may ask is the test above."""
    every = {f"{thing}:{act}" for thing in (*scopes.THINGS, "*") for act in (*scopes.ACTS, "*")} - {"*:*"}
    wrong = []
    for number, scope in enumerate(sorted({declared.scope or "" for declared in endpoints()} - {"self:read"})):
        thing, act = scope.split(":")
        covering = {scope, f"{thing}:*", f"*:{act}"}
        others, *covers = (
            {"X-API-Key": world.key("acme", tuple(held), f"scope{number}x{place}", limits={"standard": 10_000})}
            for place, held in enumerate((every - covering, {scope}, {f"{thing}:*"}, {f"*:{act}"}))
        )
        asked = [declared for declared in endpoints() if declared.scope == scope]
        for declared in asked:
            with written() as found:
                refused = ask(declared, others)
            if refused.status != 403 or found or f"the scope {scope}." not in refused.text:
                wrong.append((declared.name, "with all others", refused.status, found))
        for place, held in enumerate(covers):
            reply = ask(asked[place % len(asked)], held)
            if reply.status in (401, 500) or f"the scope {scope}." in reply.text:
                wrong.append((asked[0].name, "with it", reply.status, [reply.text]))

    assert not wrong


def broken(world: World) -> dict[str, dict[str, str]]:
    """Credentials that are good for nothing, by what is wrong with them."""
    past = clock.wall() - timedelta(seconds=1)
    good = world.key("acme", ("*",), "good")
    world.key("acme", ("*",), "revoked", state="revoked")
    world.key("acme", ("*",), "expired", expires_at=past)
    Tenant(
        *Tenant.key("ten_closed"), gsi1pk="TENANTS#all", gsi1sk="ten_closed", tenant="ten_closed", name="closed",
        slug="closed", active=False, created_at=past,
    ).create()  # fmt: skip
    keys = {
        "no such key": "db_live_nobody_secret",
        "another secret": good[:-1] + "x",
        "no secret": good.removesuffix("secret"),
        "only a prefix": "db_live_",
        "revoked": "db_live_revoked_secret",
        "expired": "db_live_expired_secret",
        "suspended tenant": world.key("closed", ("*",), "closed"),
    }
    people = {
        "inactive": user("admin", state="inactive"),
        "tampered": {"Authorization": user("analyst")["Authorization"][:-8] + "AAAAAAAA"},
        "no token": {"Authorization": "Bearer nothing"},
        "another scheme": {"Authorization": "Basic YWRtaW46YWRtaW4="},
        "none": {},
    }
    return {name: {"X-API-Key": key} for name, key in keys.items()} | people


def test_broken_credentials_at_every_endpoint(world: World) -> None:
    """Each endpoint with four kinds of them; every kind at many endpoints."""
    wrong = []
    kinds = list(broken(world).items())
    for number, declared in enumerate(endpoints()):
        for place in range(4):
            why, headers = kinds[(number + 3 * place) % len(kinds)]
            with written() as found:
                reply = ask(declared, headers)
            if reply.status != 401 or found or "X-RateLimit-Limit" in reply.headers:
                wrong.append((declared.name, why, reply.status, found))
        if ask(declared, {}).status != 401:
            wrong.append((declared.name, "none at all", 0, []))

    assert not wrong


def test_all_that_is_wrong_with_a_key_looks_the_same(world: World) -> None:
    """Status, length and headers: a stranger does not learn which ids exist, nor how near a guess was."""
    answers = {}
    for why, headers in broken(world).items():
        key = headers.get("X-API-Key", "")
        if key and why != "suspended tenant":  # whoever hears of that has the right secret
            reply = harness.ask("accounts.get_me", headers=headers)
            answers[why] = (reply.status, len(reply.text), sorted(reply.headers), reply.body["message"])

    assert len(answers) == 6
    assert len({json.dumps(answer) for answer in answers.values()}) == 1, answers
