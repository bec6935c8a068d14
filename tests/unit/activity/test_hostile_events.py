"""Whatever is sent to POST /v1/events is answered with 2xx or 4xx, never with 5xx."""

import json
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from tests import quick_moto
from tests.unit.activity.conftest import Shop
from tests.world import World

quick_moto.quicken()

TEXT = st.text(st.characters(exclude_categories=[]), max_size=20)
NUMBERS = st.floats() | st.integers() | st.sampled_from([10**400, -(10**400), 2**53, 0.1, 1e308])
LEAVES = st.none() | st.booleans() | NUMBERS | TEXT | st.sampled_from(["\x00", "\ud800", "1e400", "NaN"])
JSON = st.recursive(
    LEAVES, lambda more: st.lists(more, max_size=4) | st.dictionaries(TEXT, more, max_size=4), max_leaves=8
)
NAMES = st.sampled_from(["purchase", "visit", "Added To Cart", "#", ""]) | TEXT
TIMES = st.datetimes().map(str) | st.sampled_from(
    ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30", "1e400", 10**30, -(10**18), 0, 1762000000]
)
FIELDS = {
    "event_id": JSON | st.sampled_from(["1", "2", "\x00"]),
    "name": NAMES | JSON,
    "contact": st.fixed_dictionaries({}, optional={"email": JSON, "external_id": JSON, "contact_id": JSON}) | JSON,
    "email": st.sampled_from(["ann@example.com", "new@example.com", "ä@ö.de"]) | JSON,
    "external_id": JSON,
    "contact_id": JSON,
    "occurred_at": TIMES | JSON,
    "properties": st.fixed_dictionaries(
        {}, optional={"value": JSON, "currency": JSON | st.just("usd"), "order_id": JSON, "total": NUMBERS}
    )
    | JSON,
    "create_contacts": st.booleans() | JSON,
}
EVENTS = st.fixed_dictionaries({}, optional=FIELDS) | st.fixed_dictionaries(
    {"name": NAMES, "email": st.just("ann@example.com"), "properties": FIELDS["properties"]},
    optional={"occurred_at": TIMES, "event_id": TEXT},
)
BODIES = EVENTS | st.fixed_dictionaries(
    {"events": st.lists(EVENTS | JSON, max_size=5)}, optional={"create_contacts": st.booleans()}
)


@pytest.fixture(scope="module")
def known() -> Iterator[Shop]:
    with mock_aws():
        world = World()
        world.build()
        shop = Shop(world)
        shop.contact()
        yield shop


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_no_body_is_a_fault_of_ours(known: Shop, body: object) -> None:
    raw = json.dumps(body).encode()  # NaN, Infinity and lone surrogates go as Python writes them

    assert known.post(raw).status < 500


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=60))
def test_no_bytes_are_a_fault_of_ours(known: Shop, raw: bytes) -> None:
    assert 400 <= known.post(raw).status < 500


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":1e400}}', 422),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":NaN}}', 400),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":"\\ud800"}}', 400),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":"\\u0000"}}', 202),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":"\xed\xa0\x80"}}', 400),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":' + b"9" * 5000 + b"}}", 400),
        (b'{"name":"purchase","email":"ann@example.com","properties":{"value":' + b"9" * 400 + b"}}", 422),
        (b'{"name":"visit","email":"ann@example.com","properties":' + b'{"x":' * 300 + b"1" + b"}" * 301, 400),
        (b'{"name":"visit","email":"ann@example.com","properties":{"x":"' + b"x" * 5_000_000 + b'"}}', 422),
        (b'{"name":"' + b"x" * 3_000_000 + b'","email":"' + b"y" * 3_000_000 + b'"}', 422),
        (b'{"events":[' + b",".join([b'{"name":"visit"}'] * 300_000) + b"]}", 422),
        (b"[" * 1_000_000, 400),
        (b"", 422),
    ],
    ids=range(13),
)
def test_hostile_bodies(known: Shop, raw: bytes, status: int) -> None:
    reply = known.post(raw)

    assert reply.status == status, reply.text[:500]
    assert len(reply.text) < 5_000
