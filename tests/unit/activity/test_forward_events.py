"""Published events leave by the stream: once stored they get to the bus, and nothing else does."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from drumbeat import aws, channels, table
from drumbeat.activity import forwarding, frames
from drumbeat.activity.forwarding import MOST_BYTES, TRIES, Entry
from drumbeat.activity.model import message_row
from drumbeat.clock import parse
from drumbeat.events import outbox
from drumbeat.stream import Record

from tests.unit.activity.conftest import Shop
from tests.world import World

AT = parse("2026-11-01T10:00:00Z")
MESSAGE = frames.message(channels.get("email"), "cmp_1", "123", "ann@example.com", "msg_1")
COMPLETED = frames.campaign_completed(
    "cmp_1", "x", "email", segment_id=None, segment_size=1, status="sent", started_at=AT, completed_at=AT, counts={}
)  # fmt: skip


def _row(ref: str, publish: bool = True) -> Any:
    return message_row("ten_acme", "con_1", "sent", AT, "snd_1", "cmp_1", ref, MESSAGE, publish)


def test_rows_of_both_kinds_get_to_the_bus_and_no_others(
    world: World, shop: Shop, published: list[dict[str, Any]]
) -> None:
    outbox("marketing.campaign.completed", "ten_acme", "cmp_1", AT, COMPLETED, "usr_1").create()
    table.put_many([_row("msg_1"), _row("msg_2", publish=False)])
    shop.post({"name": "visit", "contact_id": shop.contact()})

    world.settle()

    assert [event["event_type"] for event in published] == ["marketing.campaign.completed", "marketing.email.sent"]
    assert published[0]["data"] == COMPLETED
    assert published[0]["metadata"].pop("event_id").startswith("evt_")
    assert published[0]["metadata"] == {"created_by": "usr_1", "tenant_id": "ten_acme"}
    assert published[1] == {
        "event_type": "marketing.email.sent",
        "version": "1.0",
        "timestamp": "2026-11-01T10:00:00.000Z",
        "data": MESSAGE,
        "metadata": {"tenant_id": "ten_acme", "event_id": _row("msg_1").event_id},
    }


def test_a_batch_that_comes_again_has_the_same_ids(published: list[dict[str, Any]], world: World) -> None:
    rows = [_row("msg_1"), outbox("marketing.campaign.completed", "ten_acme", "cmp_1", AT, COMPLETED)]
    event = {"Records": [_stream_record(row, place) for place, row in enumerate(rows)]}

    for _ in range(2):
        assert world.run("activity.forward_events", event) == {"batchItemFailures": []}

    assert published[:2] == published[2:]


def test_a_row_written_again_is_not_published_again(published: list[dict[str, Any]], world: World) -> None:
    for _ in range(3):
        table.put_many([_row("msg_1")])

    world.settle()

    assert len(published) == 1


def test_what_the_bus_refuses_is_tried_again_then_reported_by_its_position(world: World) -> None:
    rows = [_row(f"msg_{place}") for place in range(25)]
    event = {"Records": [_stream_record(row, place) for place, row in enumerate(rows)]}
    stubborn, weak, tries = rows[17].event_id, rows[3].event_id, dict[str, int]()

    def answer(params: dict[str, Any], **_: Any) -> tuple[Any, dict[str, Any]]:
        entries = json.loads(params["body"])["Entries"]
        assert len(entries) <= 10
        results = []
        for entry in entries:
            event_id = json.loads(entry["Detail"])["metadata"]["event_id"]
            tries[event_id] = tries.get(event_id, 0) + 1
            refused = event_id == stubborn or (event_id == weak and tries[event_id] < 3)
            results.append({"ErrorCode": "InternalFailure"} if refused else {"EventId": event_id})
        return type("Response", (), {"status_code": 200})(), {"Entries": results}

    events = aws.client("events").meta.events
    events.register("before-call.events.PutEvents", answer)
    result = world.run("activity.forward_events", event)
    events.unregister("before-call.events.PutEvents", answer)

    assert result == {"batchItemFailures": [{"itemIdentifier": "17"}]}
    assert (tries[stubborn], tries[weak], tries[rows[0].event_id]) == (TRIES, 3, 1)


def test_a_bus_that_does_not_answer_gets_everything_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BUS", "no-such-bus-" + "x" * 300)

    def fail(**_: Any) -> None:
        from botocore.exceptions import ConnectTimeoutError

        raise ConnectTimeoutError(endpoint_url="http://bus")

    events = aws.client("events").meta.events
    events.register("before-call.events.PutEvents", fail)
    result = world.run("activity.forward_events", {"Records": [_stream_record(_row("msg_1"), 0)]})
    events.unregister("before-call.events.PutEvents", fail)

    assert result == {"batchItemFailures": [{"itemIdentifier": "0"}]}


def test_a_row_that_can_never_be_sent_does_not_hold_up_the_others(
    world: World, published: list[dict[str, Any]]
) -> None:
    unreadable = outbox("marketing.campaign.completed", "ten_acme", "cmp_0", AT, COMPLETED)
    unreadable.frame = "[]"
    large = outbox("marketing.campaign.completed", "ten_acme", "cmp_2", AT, {"x": "ü" * MOST_BYTES})
    records = [_stream_record(row, place) for place, row in enumerate([unreadable, large, _row("msg_1")])]

    assert world.run("activity.forward_events", {"Records": records}) == {"batchItemFailures": []}
    assert [event["event_type"] for event in published] == ["marketing.email.sent"]


def test_calls_hold_ten_entries_and_256_kb() -> None:
    def sizes(entries: Sequence[Entry]) -> list[int]:
        return [len(call) for call in forwarding.calls(entries)]

    assert sizes([Entry(place, "a", "x") for place in range(21)]) == [10, 10, 1]
    assert sizes([Entry(place, "a", "ü" * 50_000) for place in range(5)]) == [2, 2, 1]
    assert sizes([]) == []
    largest = Entry(0, "a", "x" * (MOST_BYTES - len("drumbeat") - 1))
    assert largest.size == MOST_BYTES
    assert sizes([largest, Entry(1, "a", "x")]) == [1, 1]


def test_the_first_position_that_failed_is_given() -> None:
    records = [
        Record("INSERT", row.pk, row.sk, {}, table.raw(row)) for row in (_row(f"m{place}") for place in range(4))
    ]

    def put(entries: Sequence[Entry]) -> list[Entry]:
        return [entry for entry in entries if entry.position in (2, 3)]

    assert forwarding.forward(records, put, lambda tried: None) == 2


def _stream_record(row: Any, place: int) -> dict[str, Any]:
    item = table.raw(row)
    keys = {"pk": item["pk"], "sk": item["sk"]}
    return {"eventName": "INSERT", "dynamodb": {"Keys": keys, "NewImage": item, "SequenceNumber": str(place)}}
