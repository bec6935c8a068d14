"""Who was in a segment on a past day, by which definition; and joining and leaving as events."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock, table
from drumbeat.segments import history
from drumbeat.segments.events import Telling

from tests.unit.segments.conftest import TENANT, change, contact, evaluate, in_city, members, record, segment
from tests.world import World

Travel = Callable[[timedelta], None]
DAY = timedelta(days=1)


def asked(world: World, segment_id: str, on: datetime, **query: str) -> Any:
    said = {"on": clock.iso(on), **query}
    return world.call("segments.list_members", path={"segment_id": segment_id}, query=said)


def then(world: World, segment_id: str, on: datetime) -> set[str]:
    return {row["contact_id"] for row in asked(world, segment_id, on).data["items"]}


def told(world: World) -> list[tuple[str, str]]:
    """What the bus heard of segments."""
    return [
        (frame["event_type"], frame["data"]["contact_id"])
        for frame in world.published
        if frame["event_type"].startswith("segment.")
    ]


def test_membership_on_a_past_day(world: World, time_travel: Travel) -> None:
    """Ada comes, goes and comes back; Bob leaves for good, and is deleted; Eve comes last."""
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    bob = contact(world, "bob", attributes={"city": "Dhaka"})
    world.settle()
    first = clock.business()
    time_travel(DAY)
    change(world, ada, city="Rome")
    change(world, bob, city="Rome")
    world.settle()
    second = clock.business()
    time_travel(DAY)
    change(world, ada, city="Dhaka")
    world.call("contacts.delete_contact", path={"contact_id": bob})
    eve = contact(world, "eve", attributes={"city": "Dhaka"})
    world.settle()
    third = clock.business()
    time_travel(DAY)

    assert [then(world, dhaka, moment) for moment in (first, second, third)] == [{ada, bob}, set(), {ada, eve}]
    on_the_day = world.call(
        "segments.list_members", path={"segment_id": dhaka}, query={"on": first.date().isoformat(), "limit": "1"}
    ).data
    following = {"on": first.date().isoformat(), "cursor": on_the_day["next_cursor"]}
    rest = world.call("segments.list_members", path={"segment_id": dhaka}, query=following).data
    shown = {row["contact_id"]: row for row in (*on_the_day["items"], *rest["items"])}
    assert (set(shown), on_the_day["total_count"], on_the_day["version"]) == ({ada, bob}, 2, 1)
    assert (shown[bob]["contact"], shown[ada]["contact"]["email"]) == (None, "ada@example.com")
    assert shown[bob]["left_at"] is not None

    path = {"segment_id": dhaka, "contact_id": ada}
    found = world.call("segments.get_membership", path=path, query={"on": clock.iso(second)}).data
    assert (found["member"], len(found["stays"]), found["stays"][1]["left_at"]) == (False, 2, None)
    assert world.call("segments.get_membership", path=path).data["member"] is True
    path = {"segment_id": dhaka, "contact_id": bob}
    assert world.call("segments.get_membership", path=path, query={"on": clock.iso(first)}).data["member"] is True


def test_before_the_segment_and_ahead_of_time_there_is_no_answer(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))

    for on in (clock.business() - DAY, clock.business() + DAY):
        refused = asked(world, dhaka, on)
        assert (refused.status, refused.refused) == (422, ["on"])
    assert asked(world, dhaka, clock.business(), sort="name_asc").refused == ["sort"]
    said = "before the segment existed"
    assert said in asked(world, dhaka, clock.business() - DAY).text


def test_definitions_are_kept_with_their_dates(world: World, time_travel: Travel) -> None:
    dhaka = segment(world, "In a city", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Rome"})
    world.settle()
    before = clock.business()
    time_travel(DAY)
    world.call("segments.update_segment", path={"segment_id": dhaka}, body={"criteria": in_city("Rome")})
    world.settle()

    latest, earliest = world.call("segments.list_versions", path={"segment_id": dhaka}).data["items"]

    assert (latest["version"], latest["criteria"], latest["until"]) == (2, in_city("Rome"), None)
    assert (earliest["criteria"], earliest["until"]) == (in_city("Dhaka"), latest["since"])
    assert asked(world, dhaka, before).data["version"] == 1
    assert then(world, dhaka, before) == set()
    assert told(world) == [("segment.joined", ada)]  # a new definition brought her in, not the first walk


def test_joining_and_leaving_is_told_once(world: World) -> None:
    """Not of those who are found when the segment is made, and not of changes that change no membership."""
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()
    assert (members(dhaka), told(world)) == ({ada}, [])

    bob = contact(world, "bob", attributes={"city": "Dhaka"})
    world.settle()
    change(world, bob, colour="red")
    world.call("contacts.update_contact", path={"contact_id": bob}, body={"first_name": "Bob"})
    change(world, ada, city="Rome")
    world.settle()
    evaluate(world, record(f"CONTACT#{TENANT}#{ada}"), record(f"CONTACT#{TENANT}#{bob}"))
    world.settle()

    assert told(world) == [("segment.joined", bob), ("segment.left", ada)]
    assert world.published[0]["data"]["segment_id"] == dhaka
    world.call("contacts.delete_contact", path={"contact_id": bob})
    world.settle()
    assert told(world)[2:] == [("segment.left", bob)]


def test_a_tenant_may_do_without_the_events(world: World) -> None:
    world.call("accounts.update_settings", body={"segment_events": False})
    segment(world, "In Dhaka", in_city("Dhaka"))
    world.settle()
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    change(world, ada, city="Rome")
    world.settle()

    assert told(world) == []


def test_who_dies_between_the_spell_and_the_member_leaves_both_and_comes_again(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    (stay,) = history.of_contact(TENANT, dhaka, ada)
    table.put_many([history.spell(TENANT, dhaka, ada, stay.joined, clock.business(), Telling(TENANT, bus=True))])

    assert history.of_contact(TENANT, dhaka, ada) == [stay]
    assert then(world, dhaka, clock.business()) == {ada}
    change(world, ada, city="Rome")
    world.settle()
    (over,) = history.of_contact(TENANT, dhaka, ada)
    assert over.left is not None
    assert members(dhaka) == set()


def test_history_goes_with_its_segment(world: World) -> None:
    dhaka = segment(world, "In Dhaka", in_city("Dhaka"))
    ada = contact(world, "ada", attributes={"city": "Dhaka"})
    world.settle()
    change(world, ada, city="Rome")
    world.settle()
    assert len(history.of_contact(TENANT, dhaka, ada)) == 1

    world.call("segments.delete_segment", path={"segment_id": dhaka})
    world.settle()

    assert (history.of_contact(TENANT, dhaka, ada), history.versions(TENANT, dhaka)) == ([], [])
