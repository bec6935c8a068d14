"""The data of published events, against integration-guide.md and the schemas."""

import copy
from typing import Any

import pytest
from drumbeat import channels
from drumbeat.activity import frames
from drumbeat.activity.machines import is_machine_click, is_machine_open
from drumbeat.clock import parse
from drumbeat.events import frame

from tests import schemas

LAUNCHED = {
    "event_type": "marketing.campaign.launched",
    "version": "1.0",
    "timestamp": "2026-02-11T07:00:00Z",
    "data": {
        "campaign_id": "cmp_123",
        "name": "Spring Promotion",
        "type": "email",
        "segment_id": "seg_456",
        "segment_size": 50000,
        "schedule": {"start_date": "2026-02-15T10:00:00Z", "timezone": "America/New_York"},
        "budget": {"total": 5000, "currency": "USD"},
    },
    "metadata": {"created_by": "user_789", "tenant_id": "tenant_001"},
}
OPENED = {
    "event_type": "marketing.email.opened",
    "version": "1.0",
    "timestamp": "2026-02-15T10:05:23Z",
    "data": {
        "campaign_id": "cmp_123",
        "customer_id": "cust_456",
        "email": "customer@example.com",
        "message_id": "msg_789",
        "ip_address": "192.168.1.1",
        "user_agent": "Mozilla/5.0...",
        "device_type": "mobile",
        "location": {"country": "US", "city": "New York"},
    },
}
MESSAGE = frames.message(channels.get("email"), "cmp_123", "cust_456", "customer@example.com", "msg_789")
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36"
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"


@pytest.mark.parametrize("example", [LAUNCHED, OPENED])
def test_the_documented_examples_are_valid(example: dict[str, Any]) -> None:
    schemas.validate(example)


def _paths(value: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = []
    for key, held in value.items():
        found += [(*at, key), *(_paths(held, (*at, key)) if isinstance(held, dict) else [])]
    return found


@pytest.mark.parametrize("example", [LAUNCHED, OPENED])
def test_every_documented_key_is_required_and_no_other_is_allowed(example: dict[str, Any]) -> None:
    for path in _paths(example):
        if path == ("metadata", "created_by"):
            continue  # nobody causes what a provider reports
        lacking, surplus = copy.deepcopy(example), copy.deepcopy(example)
        del _holder(lacking, path)[path[-1]]
        with pytest.raises(AssertionError):
            schemas.validate(lacking)
        if path[0] != "metadata":
            _holder(surplus, path)["surplus"] = 1
            with pytest.raises(AssertionError):
                schemas.validate(surplus)


def _holder(frame: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    for step in path[:-1]:
        frame = frame[step]
    return frame


def test_our_launched_event_is_the_documented_one_key_by_key() -> None:
    data = frames.campaign_launched(
        "cmp_123", "Spring Promotion", "email", segment_id="seg_456", segment_size=50000,
        start=parse("2026-02-15T10:00:00Z"), time_zone="America/New_York", budget_minor=500000, currency="USD",
    )  # fmt: skip
    made = frame("marketing.campaign.launched", "tenant_001", parse("2026-02-11T07:00:00Z"), data, "user_789")

    schemas.validate(made)
    assert sorted(_paths(made)) == sorted(_paths(LAUNCHED))
    assert made["data"] | {"schedule": 0} == LAUNCHED["data"] | {"schedule": 0}  # type: ignore[operator]
    assert made["metadata"] == LAUNCHED["metadata"]


def test_our_opened_event_is_the_documented_one_key_by_key() -> None:
    headers = {"cloudfront-viewer-country": "US", "cloudfront-viewer-city": "New%20York"}

    data = frames.opened(MESSAGE, "192.168.1.1", IPHONE, headers)

    assert data == {**OPENED["data"], "user_agent": IPHONE}  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("sent", MESSAGE),
        ("delivered", MESSAGE),
        ("opened", frames.opened(MESSAGE, None, None, {})),
        ("clicked", frames.clicked(MESSAGE, "::1", WINDOWS, {"x-country": "bd"}, "https://shop.example/")),
        ("bounced", frames.bounced(MESSAGE, "hard", "550 5.1.1 user unknown")),
        ("bounced", frames.bounced(frames.message(channels.get("email"), None, "c", "a@b.de", "m"), "soft", None)),
        ("complained", MESSAGE),
        ("unsubscribed", MESSAGE),
    ],
)
def test_every_message_event_is_valid(kind: str, data: dict[str, Any]) -> None:
    schemas.validate(frame(f"marketing.email.{kind}", "ten_1", parse("2026-02-11T07:00:00.123Z"), data, None))


def test_a_completed_campaign_is_valid() -> None:
    at = parse("2026-02-11T07:00:00Z")
    data = frames.campaign_completed(
        "cmp_1", "x", "email", segment_id=None, segment_size=3, status="sent", started_at=at, completed_at=at,
        counts={"sent": 2, "rejected": 1},
    )  # fmt: skip

    schemas.validate(frame("marketing.campaign.completed", "ten_1", at, data, None))


@pytest.mark.parametrize(
    ("headers", "place"),
    [
        ({}, (None, None)),
        ({"cf-ipcountry": "XX", "cf-ipcity": "x"}, (None, None)),
        ({"x-country": "bd"}, ("BD", None)),
        ({"x-country": "Bangladesh"}, (None, None)),
        ({"cloudfront-viewer-country": "DE", "cloudfront-viewer-city": "K%C3%B6ln"}, ("DE", "Köln")),
    ],
)
def test_locations_come_from_the_proxy_in_front(headers: dict[str, str], place: tuple[str | None, ...]) -> None:
    assert tuple(frames.location(headers).values()) == place


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (IPHONE, "mobile"),
        (WINDOWS, "desktop"),
        (GMAIL, "unknown"),
        ("Mozilla/5.0", "unknown"),
        (None, "unknown"),
        ("Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148", "tablet"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/126 Mobile Safari/537.36", "mobile"),
        ("Mozilla/5.0 (Linux; Android 13; SM-X700) AppleWebKit/537.36 Chrome/126 Safari/537.36", "tablet"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)", "desktop"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 Chrome/126 Safari/537.36", "desktop"),
        ("Microsoft Outlook 16.0.17628", "desktop"),
    ],
)
def test_devices(user_agent: str | None, device: str) -> None:
    assert frames.device_type(user_agent) == device


@pytest.mark.parametrize(
    "user_agent",
    ["Mozilla/5.0", " Mozilla/5.0 ", "", None, "YahooMailProxy; https://help.yahoo.com/kb/", "curl/8.5.0",
     "Mozilla/5.0 (compatible; BingPreview/1.0b)", "python-requests/2.32", "Barracuda Sentinel (EE)", "Mimecast",
     "Mozilla/5.0 (compatible; Proofpoint URL Defense)", "Mozilla/5.0 (compatible; Googlebot/2.1)"],
)  # fmt: skip
def test_machines_that_say_so(user_agent: str | None) -> None:
    assert is_machine_open(user_agent)
    assert is_machine_click(user_agent, 3600, 1, 10)


@pytest.mark.parametrize("user_agent", [IPHONE, WINDOWS, "Mozilla/5.0 (Linux; Android 13; CUBOT NOTE 30) Mobile"])
def test_people_are_no_machines(user_agent: str) -> None:
    assert not is_machine_open(user_agent)
    assert not is_machine_click(user_agent, 60, 1, 10)
    assert not is_machine_click(user_agent, None, 2, 2)


@pytest.mark.parametrize(
    ("seconds", "distinct", "all_links", "machine"),
    [(4.99, 1, 9, True), (0, 1, 1, True), (-3, 1, 9, True), (5, 1, 9, False), (600, 9, 9, True), (600, 8, 9, False),
     (None, 3, 3, True), (600, 1, 1, False), (600, 2, 2, False)],
)  # fmt: skip
def test_clicks_too_soon_or_on_everything_are_machines(
    seconds: float | None, distinct: int, all_links: int, machine: bool
) -> None:
    assert is_machine_click(WINDOWS, seconds, distinct, all_links) is machine
