"""Reading what was recorded: pages, filters, days."""

from typing import Any

import pytest
from drumbeat import channels, lists, table
from drumbeat.activity import frames, rollups
from drumbeat.activity.model import Timeline, message_row
from drumbeat.clock import parse

from tests.unit.activity.conftest import Shop


def _visits(contact_id: str, many: int) -> list[dict[str, Any]]:
    return [
        {
            "event_id": f"e{number}",
            "name": "page.view" if number % 2 else "page.leave",
            "contact_id": contact_id,
            "occurred_at": f"2026-11-{number + 1:02d}T23:30:00Z",
        }
        for number in range(many)
    ]


def test_pages_are_newest_first_and_complete(shop: Shop) -> None:
    ann = shop.contact()
    shop.send(*_visits(ann, 10))
    seen: list[str] = []
    cursor: dict[str, str] = {}
    for _ in range(4):
        page = shop.timeline(ann, limit="3", **cursor)
        assert (page["total_count"], page["total_count_exact"]) == (10, True)
        seen += [item["event_id"] for item in page["items"]]
        cursor = {"cursor": page["next_cursor"]}

    assert page["next_cursor"] is None
    assert seen == [f"e{number}" for number in range(9, -1, -1)]
    second = shop.timeline(ann, limit="3", page="2")
    assert [item["event_id"] for item in second["items"]] == ["e6", "e5", "e4"]


def test_filters_by_name_and_time(shop: Shop) -> None:
    ann = shop.contact()
    shop.send(*_visits(ann, 10))

    page = shop.timeline(ann, name="page.v", after="2026-11-02T23:30:00Z", before="2026-11-10T23:30:00Z", limit="2")

    assert [item["event_id"] for item in page["items"]] == ["e7", "e5"]
    assert page["total_count"] == 3
    rest = shop.timeline(ann, name="page.v", after="2026-11-02T23:30:00Z", limit="2", cursor=page["next_cursor"])
    assert [item["event_id"] for item in rest["items"]] == ["e3"]
    nothing = shop.timeline(ann, after="2026-11-05T00:00:00Z", before="2026-11-04T00:00:00Z")
    assert nothing["items"] == []


@pytest.mark.parametrize("cursor", ["x", "äöü", lists.encode(("TIMELINE#ten_acme#con_1", "2026#e", ""))])
def test_a_cursor_of_something_else_is_422(shop: Shop, cursor: str) -> None:
    path = {"contact_id": shop.contact()}

    reply = shop.world.call("activity.list_timeline", path=path, query={"cursor": cursor})

    assert (reply.status, reply.refused) == (422, ["cursor"])


def test_a_cursor_outside_of_the_range_is_422(shop: Shop) -> None:
    ann = shop.contact()
    shop.send(*_visits(ann, 10))
    cursor = shop.timeline(ann, limit="2")["next_cursor"]
    query = {"cursor": cursor, "before": "2026-11-05T00:00:00Z"}

    reply = shop.world.call("activity.list_timeline", path={"contact_id": ann}, query=query)

    assert (reply.status, reply.refused) == (422, ["cursor"])


@pytest.mark.parametrize("name", ["activity.list_timeline", "activity.get_activity"])
def test_contacts_of_others_are_404(shop: Shop, name: str) -> None:
    theirs = shop.contact(tenant="globex")

    assert shop.world.call(name, path={"contact_id": theirs}).status == 404
    assert shop.world.call(name, path={"contact_id": "con_1"}).status == 404


def test_days_are_the_tenants(shop: Shop) -> None:
    shop.settings(time_zone="Asia/Dhaka")
    ann = shop.contact()
    shop.send(*_visits(ann, 4))

    days = shop.activity(ann, start_date="2026-11-01", end_date="2026-11-04")

    assert days == {"page.leave": {"2026-11-02": 1, "2026-11-04": 1}, "page.view": {"2026-11-03": 1}}
    assert shop.activity(ann, name="page.v", start_date="2026-11-05", end_date="2026-11-05") == {
        "page.view": {"2026-11-05": 1}
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"start_date": "2026-02-02", "end_date": "2026-02-01"}, "end_date"),
        ({"start_date": "2020-01-01", "end_date": "2026-02-01"}, "start_date"),
        ({"end_date": "someday"}, "end_date"),
    ],
)
def test_a_range_that_is_none_is_422(shop: Shop, query: dict[str, str], field: str) -> None:
    reply = shop.world.call("activity.get_activity", path={"contact_id": shop.contact()}, query=query)

    assert (reply.status, reply.refused) == (422, [field])


def test_a_messages_events_may_be_written_any_number_of_times(shop: Shop) -> None:
    ann = shop.contact()
    data = frames.message(channels.get("email"), "cmp_1", "123", "ann@example.com", "msg_1")
    at = parse("2026-11-01T10:00:00Z")

    later = parse("2026-11-01T11:00:00Z")

    def row(kind: Any, moment: Any = at, machine: bool = False) -> Timeline:
        return message_row("ten_acme", ann, kind, moment, "snd_1", "cmp_1", "msg_1", data, True, machine=machine)

    for _ in range(3):
        table.put_many(
            [row("delivered"), row("opened", later), row("opened", parse("2026-11-02T10:00:00Z"), machine=True)]
        )
        rollups.add_message("ten_acme", ann, "email.opened", "2026-11-01", "msg_1")
    rollups.add_message("ten_acme", ann, "email.opened", "2026-11-01", "msg_2")

    items = shop.timeline(ann)["items"]
    assert [(item["name"], item["machine"]) for item in items] == [
        ("email.opened", True),
        ("email.opened", False),
        ("email.delivered", False),
    ]
    assert items[0]["campaign_id"] == "cmp_1"
    assert items[0]["send_id"] == "snd_1"
    assert items[0]["message_id"] == "msg_1"
    assert items[0]["properties"] == data
    assert shop.activity(ann, start_date="2026-11-01", end_date="2026-11-01") == {"email.opened": {"2026-11-01": 2}}
    assert rollups.for_contact("ten_acme", ann, ["email.opened", "email.clicked"]) == {
        "email.opened": {at.date(): 2},
        "email.clicked": {},
    }


def test_one_fact_has_one_event_id_and_each_open_its_own() -> None:
    def event_id(kind: Any, at: str) -> str:
        return message_row("t", "con_1", kind, parse(at), "snd_1", None, "msg_1", {}, True).event_id

    assert event_id("delivered", "2026-11-01") == event_id("delivered", "2026-11-02")
    assert event_id("delivered", "2026-11-01") != event_id("bounced", "2026-11-01")
    assert event_id("opened", "2026-11-01") != event_id("opened", "2026-11-02")
