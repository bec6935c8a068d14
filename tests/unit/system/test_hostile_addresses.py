"""No path, query, header or cursor is a fault of ours: over every route, from the declarations.

Each route meets some of the values, always the same; the next one others.
"""

import base64
import itertools
import re
from typing import Any
from urllib.parse import quote

import pytest
from drumbeat import lists

from tests.gateway import Gateway, Route, routes
from tests.world import World, all_functions

OF_A_ROUTE = 2
# As they are on the wire.
PARAMETERS = (
    "%00", "a%00b", "..", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "%2F", "%ED%A0%80", "%FF%FE", "%E0%A4", "%", "%zz", "a%23b",
    "TENANT%23ten_globex", "ten_globex", "x" * 512, "x" * 3000, "%E0%A6%86" * 400, "%F0%9F%98%80", "%E2%80%AE", "%20",
    "con_01JD0000000000000000000000", "__proto__", "constructor", "0", "-1", "9" * 400, "1e400", "NaN", "null",
    "%0d%0aX:%20y", "*", "%7B%7B%20x%20%7D%7D", "%3Cscript%3E", "'%20OR%201=1--",
)  # fmt: skip
NUMBERS = ("1e400", "NaN", "-1", "0", "9" * 400, "9" * 10_000, "", "%00", "0x10", "1_000", "%D9%A1")
TEXTS = ("%00", "%ED%A0%80", "%FF", "x" * 7000, "%F0%9F%98%80", "__proto__", "%0d%0aX:%20y", "null", "[]", "%7B%7D")
NAMES = (
    "limit",
    "page",
    "cursor",
    "status",
    "q",
    "date_from",
    "since",
    "force",
    "period",
    "sort",
    "email",
    "phone",
    "type",
)


def queries() -> list[str]:
    """Query strings that no client of ours would send."""
    found = [f"limit={value}" for value in NUMBERS] + [f"page={value}" for value in NUMBERS]
    found += [f"{name}={value}" for name, value in zip(itertools.cycle(NAMES), TEXTS * 3, strict=False)]
    found += [f"cursor={quote(cursor)}" for cursor in cursors()]
    found += [
        "limit=1&limit=2&limit=x",
        "&&&===&",
        "a" * 8000,
        "&".join(f"x{n}=1" for n in range(2000)),
        "limit[]=1&limit[a]=2",
    ]
    return found


def cursors() -> list[str]:
    """Cursors as somebody would forge them: other partitions, empty and endless keys, no text at all."""
    keys = [
        ("CONTACT#ten_globex#x", "CONTACT", "x"), ("", "", ""), ("a", "", "b"), ("x" * 3000, "y" * 3000, "z" * 3000),
        ("CONTACT#ten_acme#x", "CONTACT", "\x00"), ("\ufdd0", "😀", "😀"),
    ]  # fmt: skip
    made = [lists.encode(key) for key in keys]
    return [*made, "x", "=", "a.b", base64.urlsafe_b64encode(b"\xff\xfe\x1f\x1f").decode(), "%%%", "A" * 6000]


@pytest.mark.parametrize("context", sorted({name.split(".")[0] for name in all_functions()}))
def test_no_address_is_a_fault_of_ours(world: World, context: str) -> None:
    gateway = Gateway(world.functions)
    headers = {"x-api-key": world.keys["acme"], "content-type": "application/json"}
    values, asked, wrong = itertools.cycle(PARAMETERS), itertools.cycle(queries()), []
    for route in (one for one in routes(world.functions) if one.function.startswith(f"{context}.")):
        for _ in range(OF_A_ROUTE):
            path, query = addressed(route, values), next(asked)
            answer = gateway.answered(route.method, path, query, headers, b"{}" if route.method != "GET" else b"")
            wrong += [f"{route.key}: {path[:90]}?{query[:90]} is {answer['statusCode']}"] if is_wrong(answer) else []
    assert not wrong, "\n".join(wrong)


def addressed(route: Route, values: Any) -> str:
    """The path of a route with the next values as its parameters."""
    return re.sub(r"{[^}]+}", lambda _: next(values), route.key.split(" ")[1])


def is_wrong(answer: dict[str, Any]) -> bool:
    """A fault, or something that an attacker put into a header."""
    told = "\n".join(f"{name}: {value}" for name, value in answer["headers"].items())
    return answer["statusCode"] >= 500 or "\nX: y" in told or "globex.example" in str(answer["body"])


@pytest.mark.parametrize("cursor", cursors())
@pytest.mark.parametrize("name", ["contacts.list_contacts", "campaigns.list_campaigns", "contacts.list_suppressions"])
def test_a_forged_cursor_shows_nothing_of_others(world: World, name: str, cursor: str) -> None:
    for tenant, who in (("globex", "theirs"), ("acme", "ours")):
        world.call("contacts.create_contact", tenant=tenant, body={"email": f"{who}@{tenant}.example"})
    reply = world.call(name, query={"cursor": cursor})

    assert reply.status in (200, 422)
    assert "theirs@" not in reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {"x-request-id": "a\r\nX: y"}, {"x-request-id": "x" * 9000}, {"x-request-id": "\x00"},
        {"idempotency-key": "\ud800"}, {"idempotency-key": "k\x00#a"}, {"idempotency-key": "x" * 9000},
        {"accept-language": "x;q=" * 4000},
        {"user-agent": "\ud800" * 600}, {"content-type": "multipart/form-data; boundary="}, {"content-type": "\x00"},
        {"content-encoding": "gzip"}, {"content-length": "9" * 99}, {"x-forwarded-for": "' OR 1=1"},
        {"host": "evil.example"}, {"authorization": "Bearer"}, {"cookie": "x" * 8000},
    ],
)  # fmt: skip
def test_no_header_is_a_fault_of_ours(world: World, headers: dict[str, str]) -> None:
    gateway = Gateway(world.functions)
    credential = {"x-api-key": world.keys["acme"], "content-type": "application/json"}
    body = b'{"email": "ann@example.com"}'
    for method, path in (("POST", "/v1/contacts"), ("GET", "/v1/contacts"), ("GET", "/u/x"), ("POST", "/u/x")):
        answer = gateway.answered(method, path, "", {**credential, **headers}, body)
        assert answer["statusCode"] < 500 and not is_wrong(answer)
