"""Membership is kept by what changes: contacts, counted events, time. In whatever order, it ends up right."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
from drumbeat import clock, table
from drumbeat.contacts.model import Contact
from drumbeat.segments import definitions, membership, model

from tests.unit.segments.conftest import (
    TENANT,
    change,
    contact,
    evaluate,
    happened,
    in_city,
    members,
    record,
    segment,
    watched,
    where,
    written,
)
from tests.world import World

BOUGHT_THIS_WEEK = {"logic": "AND", "conditions": [{"event": "purchase", "within_days": 7}]}


def test_a_new_segment_finds_who_is_there_already(world: World) -> None:
    ada, _ = contact(world, "ada", attributes={"city": "Dhaka"}), contact(world, "bob", attributes={"city": "Rome"})
    world.settle()

    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()

    assert members(dhaka) == {ada}
    assert world.call("segments.get_segment", path={"segment_id": dhaka}).data["state"] == "ready"


def test_a_changed_attribute_moves_a_contact(world: World) -> None:
    dhaka, rome = segment(world, "In Dhaka", in_city("Dhaka")), segment(world, "In Rome", in_city("Rome"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    assert (members(dhaka), members(rome)) == ({ada}, set())

    change(world, ada, city="Rome")
    world.settle()

    assert (members(dhaka), members(rome)) == (set(), {ada})


def test_consent_and_tags_count(world: World) -> None:
    criteria = {"logic": "AND", "conditions": [{"consent": "email", "status": "granted"}, {"tag": "vip"}]}
    vips = segment(world, "VIPs", criteria)
    consent = {"email": {"status": "granted"}}
    ada = contact(world, "ada", tags=["vip"], consent=consent)
    contact(world, "bob", tags=["vip"])
    contact(world, "eve", consent=consent)
    world.settle()

    assert members(vips) == {ada}


def test_a_deleted_contact_is_in_no_segment(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    snapshot = segment(world, "Then in Dhaka", in_city("Dhaka"), dynamic=False)
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    assert (members(dhaka), members(snapshot)) == ({ada}, {ada})

    world.call("contacts.delete_contact", path={"contact_id": ada})
    world.settle()

    assert (members(dhaka), members(snapshot)) == (set(), set())


def test_an_event_brings_a_contact_in_and_time_takes_it_out(
    world: World, time_travel: Callable[[timedelta], None]
) -> None:
    buyers = segment(world, "Buyers", BOUGHT_THIS_WEEK)
    ada = contact(world, "ada")
    world.settle()
    assert members(buyers) == set()

    happened(world, ada, "purchase", "e1", properties={"value": 10})
    world.settle()
    assert members(buyers) == {ada}

    time_travel(timedelta(days=6, hours=1))
    world.run("segments.reevaluate_due")
    time_travel(timedelta(days=2))
    world.run("segments.reevaluate_due")
    assert members(buyers) == set()


def test_time_lets_a_contact_in(world: World, time_travel: Callable[[timedelta], None]) -> None:
    """Those who may come in by time alone are watched outside of the members' partitions."""
    lapsed = segment(world, "Lapsed", where("last_seen", "older_than_days", 30))
    ada = contact(world, "ada", attributes={"last_seen": "2026-01-01"})
    bob = contact(world, "bob", attributes={"last_seen": _today()})
    world.settle()
    assert (members(lapsed), watched(lapsed)) == ({ada}, {bob})

    time_travel(timedelta(days=31))
    assert world.run("segments.reevaluate_due")["result"] == 1

    assert (members(lapsed), watched(lapsed)) == ({ada, bob}, set())
    assert world.run("segments.reevaluate_due")["result"] == 0


def _today() -> str:
    return clock.business().date().isoformat()


def test_nothing_is_written_where_nothing_changes(world: World) -> None:
    segment(world, "In Dhaka", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()

    event = {"Records": [record(f"CONTACT#{TENANT}#{ada}")]}

    assert written(world, "segments.evaluate_changes", event) == 0


def test_counted_events_that_no_segment_asks_for_cost_nothing(world: World) -> None:
    segment(world, "Buyers", BOUGHT_THIS_WEEK)
    ada = contact(world, "ada")
    world.settle()
    seen: list[str] = []
    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.*", lambda model, **_: seen.append(model.name), unique_id="seen")

    evaluate(world, *[record(f"ROLLUP#{TENANT}#{ada}", sk="email.opened#2026-01-01")] * 50)

    events.unregister("before-call.dynamodb.*", unique_id="seen")
    assert seen == ["GetItem"]


def test_a_batch_of_contacts_takes_few_requests(world: World) -> None:
    """What keeps an import fast: requests by the hundred contacts, not by the contact."""
    segment(world, "In Dhaka", in_city("Dhaka"))
    segment(world, "Buyers", BOUGHT_THIS_WEEK)
    new = [contact(world, f"c{number}", attributes={"city": "Dhaka"}) for number in range(50)]
    world.run("segments.reevaluate_due")
    seen: list[str] = []
    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.*", lambda model, **_: seen.append(model.name), unique_id="seen")

    evaluate(world, *[record(f"CONTACT#{TENANT}#{one}", "INSERT") for one in new])

    events.unregister("before-call.dynamodb.*", unique_id="seen")
    assert len(seen) <= 14


def test_records_that_come_twice_or_late_do_no_harm(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    change(world, ada, city="Rome")
    world.settle()

    late = record(f"CONTACT#{TENANT}#{ada}", "INSERT")
    late["dynamodb"]["NewImage"] = {"attributes": {"S": '{"city":"Dhaka"}'}}
    evaluate(world, late, late)

    assert members(dhaka) == set()


def test_who_wrote_on_old_facts_corrects_it(world: World) -> None:
    """The contact changes, and the record of that is worked off, between a reading and the write that follows."""
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    events = table.connection().connection.client.meta.events
    raced: list[bool] = []

    def overtaken(**_: Any) -> None:
        if not raced:
            raced.append(True)
            _store_directly(ada, '{"city":"Rome"}')
            membership.refresh(TENANT, [ada], clock.business())
            assert members(dhaka) == set()

    events.register("before-call.dynamodb.BatchWriteItem", overtaken, unique_id="race")
    evaluate(world, record(f"CONTACT#{TENANT}#{ada}"))
    events.unregister("before-call.dynamodb.BatchWriteItem", unique_id="race")

    assert raced
    assert members(dhaka) == set()


def _store_directly(contact_id: str, attributes: str) -> None:
    pk, sk = Contact.key(TENANT, contact_id)
    boto3.client("dynamodb").update_item(
        TableName=table.TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}},
        UpdateExpression="SET attributes = :a", ExpressionAttributeValues={":a": {"S": attributes}},
    )  # fmt: skip


def test_a_segment_deleted_under_a_write_keeps_no_member(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    events = table.connection().connection.client.meta.events
    raced: list[bool] = []

    def deleted(**_: Any) -> None:
        if not raced:
            raced.append(True)
            events.unregister("before-parameter-build.dynamodb.*", unique_id="held-to")
            world.call("segments.delete_segment", path={"segment_id": dhaka})

    events.register("before-call.dynamodb.BatchWriteItem", deleted, unique_id="race")
    evaluate(world, record(f"CONTACT#{TENANT}#{ada}"))
    events.unregister("before-call.dynamodb.BatchWriteItem", unique_id="race")

    assert raced
    assert members(dhaka) == set()


def test_other_tenants_contacts_are_never_inside(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    contact(world, "ada", tenant="globex", attributes={"city": "Dhaka"})
    world.settle()

    assert members(dhaka) == set()
    assert world.call("segments.list_segments", tenant="globex").data["total_count"] == 0


def test_a_segment_of_segments_follows(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    outside = segment(world, "Elsewhere", {"logic": "NOT", "conditions": [{"segment": "in-dhaka"}]})
    ada = contact(world, "ada", attributes={"city": "Rome"})
    world.settle()
    assert (members(dhaka), members(outside)) == (set(), {ada})

    change(world, ada, city="Dhaka")
    world.settle()
    assert (members(dhaka), members(outside)) == ({ada}, set())

    criteria = {"criteria": in_city("Rome")}
    world.call("segments.update_segment", path={"segment_id": dhaka}, body=criteria)
    world.settle()
    assert (members(dhaka), members(outside)) == (set(), {ada})


def test_a_static_segment_keeps_its_members(world: World) -> None:
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    snapshot = segment(world, "Then in Dhaka", in_city("Dhaka"), dynamic=False)
    world.settle()

    change(world, ada, city="Rome")
    contact(world, "bob", attributes={"city": "Dhaka"})
    world.settle()

    assert members(snapshot) == {ada}


def test_hidden_lists_of_recipients(world: World) -> None:
    ada, bob = contact(world, "ada"), contact(world, "bob")
    model.create_hidden(TENANT, "seg_00000000000000000000000001", "Recipients", clock.business())
    model.add_static(TENANT, "seg_00000000000000000000000001", [ada, bob, ada], clock.business())
    world.settle()

    assert members("seg_00000000000000000000000001") == {ada, bob}
    assert model.count(TENANT, "seg_00000000000000000000000001") == 2
    assert world.call("segments.list_segments").data["items"] == []
    assert definitions.of(TENANT).all == {}
