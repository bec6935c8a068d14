"""What tests of segments share: people, segments and the clock."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.segments import model

from tests.world import World

TENANT = "ten_acme"


@pytest.fixture
def time_travel(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Move the business clock on; the wall clock stays."""

    def travel(by: timedelta) -> None:
        target, now = clock.business().timestamp() + by.total_seconds(), time.time()
        monkeypatch.setattr(clock, "SCALE", 2.0)
        monkeypatch.setattr(clock, "ANCHOR", 2 * now - target)

    return travel


def where(field: str, operator: str, value: Any = None) -> dict[str, Any]:
    """Criteria of one condition."""
    return {"logic": "AND", "conditions": [{"field": field, "operator": operator, "value": value}]}


def in_city(city: str) -> dict[str, Any]:
    return where("city", "equals", city)


def contact(world: World, name: str, *, tenant: str = "acme", **said: Any) -> str:
    """A new contact's id."""
    body = {"email": f"{name}@example.com", **said}
    return str(world.call("contacts.create_contact", tenant=tenant, body=body).data["id"])


def segment(world: World, name: str, criteria: dict[str, Any], **said: Any) -> str:
    """A new segment's id; its members are not looked for yet."""
    body = {"name": name, "criteria": criteria, **said}
    return str(world.call("segments.create_segment", body=body).data["id"])


def change(world: World, contact_id: str, **attributes: Any) -> None:
    world.call("contacts.update_contact", path={"contact_id": contact_id}, body={"attributes": attributes})


def happened(world: World, contact_id: str, name: str, event_id: str, **said: Any) -> None:
    """An event of a contact."""
    body = {"event_id": event_id, "name": name, "contact_id": contact_id, **said}
    assert world.call("activity.record_events", body=body).status < 300


def members(segment_id: str, tenant: str = TENANT) -> set[str]:
    """Who is stored in a segment."""
    found = [model.member_ids(tenant, segment_id, shard) for shard in range(model.SHARDS)]
    assert all(shard == sorted(shard) for shard in found)
    return {one for shard in found for one in shard}


def watched(segment_id: str, tenant: str = TENANT) -> set[str]:
    """Who is looked at again when time may let them in."""
    shards = range(model.SHARDS)
    pages = (model.raw_members(tenant, segment_id, shard, model=model.Watch) for shard in shards)
    return {row["sk"]["S"] for page in pages for row in page}


def record(key: str, name: str = "MODIFY", sk: str = "CONTACT") -> dict[str, Any]:
    """A record of the table's stream."""
    change = {"Keys": {"pk": {"S": key}, "sk": {"S": sk}}, "SequenceNumber": "1", "NewImage": {}, "OldImage": {}}
    return {"eventName": name, "dynamodb": change}


def evaluate(world: World, *records: dict[str, Any]) -> None:
    """Hand records to the function that reads the stream."""
    assert world.run("segments.evaluate_changes", {"Records": list(records)}) == {"batchItemFailures": []}


def written(world: World, name: str, event: Any) -> int:
    """How many writing requests a run makes."""
    seen: list[str] = []
    events = table.connection().connection.client.meta.events

    def note(model: Any, **_: Any) -> None:
        if model.name not in ("GetItem", "Query", "BatchGetItem"):
            seen.append(model.name)

    events.register("before-call.dynamodb.*", note, unique_id="written")
    try:
        world.run(name, event)
    finally:
        events.unregister("before-call.dynamodb.*", unique_id="written")
    return len(seen)
