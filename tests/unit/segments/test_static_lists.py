"""Lists of contacts that somebody keeps: filled by hand, by criteria, or by an import."""

from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.errors import NotFound
from drumbeat.segments import static_lists

from tests.unit.segments.conftest import TENANT, change, contact, evaluate, happened, in_city, members, record, segment
from tests.unit.segments.conftest import written as writes_of
from tests.world import World


def listed(world: World, name: str = "Friends") -> str:
    body = {"name": name, "dynamic": False}
    return str(world.call("segments.create_segment", body=body).data["id"])


def test_an_empty_list_takes_people_by_any_name_and_lets_them_go(world: World) -> None:
    friends = listed(world)
    ada, bob = contact(world, "ada"), contact(world, "bob", external_id=7)
    shown = world.call("segments.get_segment", path={"segment_id": "friends"}).data
    assert (shown["state"], shown["criteria"], shown["member_count"]) == ("ready", None, 0)

    names = {
        "contact_ids": [ada, "con_01JD0000000000000000000000"],
        "emails": ["ADA@example.com"],
        "external_ids": [7, 8],
    }
    path = {"segment_id": "friends"}
    added = world.call("segments.add_members", path=path, body=names).data
    again = world.call("segments.add_members", path=path, body=names).data

    assert (added["added"], added["already_members"]) == (2, 0)
    assert added["unknown"] == ["con_01JD0000000000000000000000", 8]
    assert (again["added"], again["already_members"]) == (0, 2)
    assert members(friends) == {ada, bob}
    gone = world.call("segments.remove_members", path=path, body={"external_ids": [7], "emails": ["eve@example.com"]})
    assert gone.data == {"removed": 1, "not_members": 0, "unknown": ["eve@example.com"]}
    assert members(friends) == {ada}
    world.settle()
    told = [(frame["event_type"], frame["data"]["contact_id"]) for frame in world.published]
    assert sorted(told) == sorted([("segment.joined", ada), ("segment.joined", bob), ("segment.left", bob)])
    assert len(world.call("segments.get_membership", path={**path, "contact_id": bob}).data["stays"]) == 1


def test_a_list_knows_what_its_members_are_worth(world: World) -> None:
    """Purchases before and after joining; and evaluating again writes nothing."""
    friends, ada = listed(world), contact(world, "ada")
    happened(world, ada, "purchase", "e1", properties={"value": 10})
    world.settle()
    static_lists.add_members(TENANT, friends, [ada], clock.business())
    assert world.call("segments.get_segment", path={"segment_id": friends}).data["avg_customer_lifetime_value"] == 10
    happened(world, ada, "purchase", "e2", properties={"value": 5})
    world.settle()

    assert world.call("segments.get_segment", path={"segment_id": friends}).data["avg_customer_lifetime_value"] == 15
    event = {"Records": [record(f"CONTACT#{TENANT}#{ada}")]}
    assert writes_of(world, "segments.evaluate_changes", event) == 0


def test_a_contact_that_is_deleted_meanwhile_is_on_no_list(world: World) -> None:
    friends, ada = listed(world), contact(world, "ada")
    events = table.connection().connection.client.meta.events
    raced: list[bool] = []

    def deleted(**_: Any) -> None:
        if not raced:
            raced.append(True)
            world.call("contacts.delete_contact", path={"contact_id": ada})
            world.settle()

    events.register("before-call.dynamodb.BatchWriteItem", deleted, unique_id="race")
    added = static_lists.add_members(TENANT, friends, [ada], clock.business())
    events.unregister("before-call.dynamodb.BatchWriteItem", unique_id="race")

    assert (raced, added, members(friends)) == ([True], 0, set())


def test_a_member_that_is_removed_under_an_evaluation_stays_out(world: World) -> None:
    friends, ada = listed(world), contact(world, "ada")
    static_lists.add_members(TENANT, friends, [ada], clock.business())
    world.settle()
    change(world, ada, city="Rome")
    world.call("contacts.update_contact", path={"contact_id": ada}, body={"first_name": "Ada"})
    events = table.connection().connection.client.meta.events
    raced: list[bool] = []

    def removed(**_: Any) -> None:
        if not raced:
            raced.append(True)
            events.unregister("before-parameter-build.dynamodb.*", unique_id="held-to")
            static_lists.remove_members(TENANT, friends, [ada], clock.business())

    events.register("before-call.dynamodb.PutItem", removed, unique_id="race")
    evaluate(world, record(f"CONTACT#{TENANT}#{ada}"))
    events.unregister("before-call.dynamodb.PutItem", unique_id="race")

    assert (raced, members(friends)) == ([True], set())


def test_what_is_refused(world: World) -> None:
    dhaka, ada = segment(world, "In Dhaka", in_city("Dhaka")), contact(world, "ada")
    body = {"contact_ids": [ada]}
    refused = world.call("segments.add_members", path={"segment_id": dhaka}, body=body)
    assert (refused.status, refused.body["error_code"]) == (409, "SEGMENT_IS_DYNAMIC")
    filling = segment(world, "Then in Dhaka", in_city("Dhaka"), dynamic=False)
    refused = world.call("segments.remove_members", path={"segment_id": filling}, body=body)
    assert (refused.status, refused.body["error_code"]) == (409, "SEGMENT_IS_BUILDING")
    assert world.call("segments.create_segment", body={"name": "Nobody"}).refused == ["criteria"]
    friends = listed(world)
    assert world.call("segments.add_members", path={"segment_id": friends}, body={}).status == 422
    assert world.call("segments.add_members", tenant="globex", path={"segment_id": friends}, body=body).status == 404
    world.call("segments.delete_segment", path={"segment_id": friends})
    with pytest.raises(NotFound):
        static_lists.add_members(TENANT, friends, [ada], clock.business())
