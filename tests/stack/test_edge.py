"""The edge under threads, and what it says to whoever asks wrongly."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from infra.local import fixtures
from infra.local.stack import Stack
from tests.stack.company import Company, company, founded

THREADS = 8
LIMIT = 30


def at_once(times: int, ask: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(THREADS) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(times)]]


def test_a_rate_limit_is_exact_under_threads(stack: Stack, shop: Company) -> None:
    wanted = {"name": "narrow", "scopes": ["contacts:read"], "limits": {"standard": LIMIT}}
    key = shop.post("/v1/api-keys", wanted)["key"]
    passed: Counter[int] = Counter()
    refused: Counter[int] = Counter()
    with company(stack, shop.tenant, key) as narrow:
        # When the minute turns meanwhile, there may be none that has more requests than it takes: then once more.
        while not refused:
            replies = at_once(2 * LIMIT, lambda: narrow.api.get("/v1/me"))
            assert {reply.status_code for reply in replies} <= {200, 429}
            for reply in replies:
                window = int(reply.headers["X-RateLimit-Reset"])
                (passed if reply.status_code == 200 else refused)[window] += 1
                assert reply.headers["X-RateLimit-Limit"] == str(LIMIT)
    assert [passed[window] for window in refused] == [LIMIT] * len(refused)
    assert all(number <= LIMIT for number in passed.values())

    refusal = next(reply for reply in replies if reply.status_code == 429)
    assert 1 <= int(refusal.headers["Retry-After"]) <= 60
    assert refusal.headers["X-RateLimit-Remaining"] == "0"
    assert refusal.json()["error_code"] == "RATE_LIMIT_EXCEEDED"


def test_an_idempotency_key_makes_one_contact_under_threads(shop: Company) -> None:
    body, headers = {"email": "once@people.example.com"}, {"Idempotency-Key": "signup-1"}

    replies = at_once(20, lambda: shop.api.post("/v1/contacts", json=body, headers=headers))

    made = [reply for reply in replies if reply.status_code == 201]
    waiting = [reply for reply in replies if reply.status_code == 409]
    assert made and len(made) + len(waiting) == 20, Counter(reply.status_code for reply in replies)
    assert len({reply.text for reply in made}) == 1
    assert {reply.json()["error_code"] for reply in waiting} <= {"REQUEST_IN_PROGRESS"}
    contact = made[0].json()["data"]
    assert [found["id"] for found in shop.all("/v1/contacts", email=body["email"])] == [contact["id"]]
    again = shop.api.post("/v1/contacts", json=body, headers=headers)
    assert (again.status_code, again.text) == (201, made[0].text)
    other = shop.api.post("/v1/contacts", json={"email": "other@people.example.com"}, headers=headers)
    assert (other.status_code, other.json()["error_code"]) == (422, "IDEMPOTENCY_KEY_REUSED")


def test_two_companies_do_not_see_each_other(stack: Stack, shop: Company) -> None:
    contact = shop.post("/v1/contacts", {"email": "ours@people.example.com"})["id"]
    campaign = shop.campaign("Ours")
    segment = shop.post("/v1/segments", {"name": "Ours", "criteria": fixtures.SEGMENTS["new-customers"]})["id"]

    with founded(stack, f"stranger{shop.tenant[4:]}") as stranger:
        for path in (
            f"contacts/{contact}",
            f"campaigns/{campaign}",
            f"segments/{segment}",
            f"contacts/{contact}/timeline",
        ):
            reply = stranger.api.get(f"/v1/{path}")
            assert (reply.status_code, reply.json()["error_code"]) == (404, "NOT_FOUND"), path
        assert stranger.api.patch(f"/v1/contacts/{contact}", json={"first_name": "Eve"}).status_code == 404
        assert stranger.api.post(f"/v1/campaigns/{campaign}/launch").status_code == 404
        wanted = {"name": "Theirs", "audience": {"segments": [segment]}}
        assert stranger.api.post("/v1/campaigns", json=wanted).status_code == 404
        for path in ("contacts", "campaigns", "segments"):
            assert stranger.get(f"/v1/{path}")["items"] == []
        # The same address is another person there.
        assert stranger.post("/v1/contacts", {"email": "ours@people.example.com"})["id"] != contact


def test_malformed_json_is_400(shop: Company) -> None:
    reply = shop.api.post("/v1/contacts", content=b'{"email": ', headers={"content-type": "application/json"})

    assert reply.status_code == 400
    assert reply.json()["success"] is False


def test_every_bad_field_is_named(shop: Company) -> None:
    reply = shop.api.post("/v1/contacts", json={"email": "nobody", "time_zone": "Mars", "language": "??"})

    assert reply.status_code == 422
    assert {detail["field"] for detail in reply.json()["error"]["details"]} >= {"email", "time_zone", "language"}


def test_an_unknown_route_has_the_envelope(shop: Company) -> None:
    reply = shop.api.get("/v1/nothing/here", headers={"X-Request-ID": "req-1"})

    said = reply.json()
    assert (reply.status_code, said["success"], said["data"]) == (404, False, None)
    assert said["error"]["code"] == said["error_code"] == "NOT_FOUND"
    assert reply.headers["X-Request-ID"] == said["request_id"] == "req-1"


def test_without_a_credential_there_is_nothing(stack: Stack) -> None:
    for headers in ({}, {"X-API-Key": "db_live_nobody_nothing"}, {"Authorization": "Bearer a.b.c"}):
        assert httpx.get(f"{stack.api_url}/v1/contacts", headers=headers, timeout=60).status_code == 401


def test_the_reference_is_served(stack: Stack) -> None:
    described = httpx.get(f"{stack.api_url}/openapi.json", timeout=60)
    page = httpx.get(stack.docs_url, timeout=60)

    assert described.json()["openapi"].startswith("3.1")
    assert "/v1/contacts" in described.json()["paths"]
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
