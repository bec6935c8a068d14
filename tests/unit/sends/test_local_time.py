"""Sending at each recipient's local time: when that is, who is planned with whom, and nobody lost or doubled."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from drumbeat import clock, ids, table
from drumbeat.contacts.model import Contact
from drumbeat.sends import due, local_time, planning
from drumbeat.sends.model import Chunk, Send

from tests.clocks import START
from tests.unit.sends.conftest import TENANT, Clocked
from tests.world import World

NINE = "2026-03-10T09:00:00"


@pytest.mark.parametrize(
    ("zone", "local", "utc"),
    [
        ("Asia/Dhaka", "2026-03-10T09:00:00", "2026-03-10T03:00:00Z"),
        ("America/New_York", "2026-03-08T02:30:00", "2026-03-08T07:00:00Z"),  # skipped: the first moment after
        ("America/New_York", "2026-03-08T03:00:00", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T01:30:00", "2026-11-01T05:30:00Z"),  # comes twice: the first
        ("Australia/Lord_Howe", "2026-10-04T02:15:00", "2026-10-03T15:30:00Z"),  # half an hour is skipped
        ("Pacific/Apia", "2011-12-30T12:00:00", "2011-12-30T10:00:00Z"),  # a whole day was
        ("Pacific/Kiritimati", "2026-03-10T09:00:00", "2026-03-09T19:00:00Z"),
    ],
)
def test_when_a_local_time_is(zone: str, local: str, utc: str) -> None:
    assert local_time.instant(datetime.fromisoformat(local), zone) == datetime.fromisoformat(utc)


def test_no_zone_is_before_the_first_or_behind_the_last() -> None:
    nine = datetime.fromisoformat(NINE)
    for zones in (local_time.zones_of(country) for country in ("KI", "TO", "US", "AU", "AS", "UM")):
        for zone in zones:
            assert local_time.starts(nine) <= local_time.instant(nine, zone) <= local_time.ends(nine)


def person(**fields: Any) -> Contact:
    return Contact(tenant=TENANT, contact_id=ids.new("con"), **fields)


@pytest.mark.parametrize(
    ("fields", "utc_hour"),
    [
        ({"time_zone": "Asia/Tokyo", "country": "BD"}, 0),
        ({"country": "BD"}, 3),
        ({"country": "DE"}, 8),  # two zones, one time
        ({"country": "US"}, 9),  # many times, so nobody knows
        ({"phone": "+8801712345678"}, 3),
        ({}, 9),
    ],
)
def test_whose_clock_counts(fields: dict[str, Any], utc_hour: int) -> None:
    said = {"at": NINE, "passed": "next_day", "time_zone": "UTC"}
    at = local_time.due_at(said, person(**fields), datetime(2026, 3, 9, tzinfo=UTC))
    assert at == datetime(2026, 3, 10, utc_hour, tzinfo=UTC)


@pytest.mark.parametrize(("passed", "at"), [("next_day", "2026-03-08T13:00:00Z"), ("at_once", "2026-03-07T20:00:00Z")])
def test_whose_local_time_has_passed_at_launch(passed: str, at: str) -> None:
    said = {"at": "2026-03-07T09:00:00", "passed": passed, "time_zone": "America/New_York"}
    launched = datetime(2026, 3, 7, 20, tzinfo=UTC)
    assert local_time.due_at(said, person(), launched) == datetime.fromisoformat(at)  # an hour less after the change


def contacts(number: int) -> list[Contact]:
    """People in the order of their ids, in three zones in turn."""
    zones = ("Asia/Dhaka", "Europe/Berlin", None)
    return [
        Contact(
            *Contact.key(TENANT, made), gsi1pk=Contact.partition_of(TENANT, made), gsi1sk=made, tenant=TENANT,
            contact_id=made, time_zone=zones[place % 3], created_at=START, updated_at=START,
        )
        for place in range(number) for made in [f"con_{place:026d}"]
    ]  # fmt: skip


def planned(local: dict[str, Any] | None = None, size: int = 1) -> Send:
    """A send to everyone that waits for its plan."""
    send_id = ids.new("snd")
    send = Send(
        *Send.key(TENANT, send_id), tenant=TENANT, send_id=send_id, campaign=ids.new("cmp"), account="ses",
        state="sending", audience={"everyone": True}, plan_shards=1, chunk_size=size, unknown_policy="never",
        grace_seconds=60, launched_at=START, local=local or {"at": NINE, "passed": "next_day", "time_zone": "UTC"},
        launch={"name": "Eid", "segment_id": None, "time_zone": "UTC", "budget_minor": 0, "currency": "USD"},
    )  # fmt: skip
    send.create()
    return send


def plan(world: World, send: Send) -> None:
    for _ in range(20):
        if world.run("sends.plan_chunks", {"tenant": TENANT, "send": send.send_id})["done"]:
            return


def stored(send: Send) -> list[Chunk]:
    return list(table.rows(Chunk, f"CHUNK#{TENANT}#{send.send_id}#0"))


def test_a_planner_that_died_between_pages_forgets_nobody_and_doubles_nobody(world: World) -> None:
    people = contacts(130)
    newcomers = [people.pop(place) for place in (120, 20)]
    table.put_many(people)
    send = planned()
    pages = [0]

    def die(model: Any, **_: Any) -> None:
        pages[0] += 1
        if pages[0] == 2:
            raise TimeoutError

    events = table.connection().connection.client.meta.events
    events.register("before-call.dynamodb.TransactWriteItems", die)
    try:
        with pytest.raises(TimeoutError):
            plan(world, send)
    finally:
        events.unregister("before-call.dynamodb.TransactWriteItems", die)
    assert len(stored(send)) == 100
    # Meanwhile everybody moves, two come, and one of those who are not planned yet goes.
    for contact in people:
        contact.time_zone = "America/Lima" if contact.time_zone else "Asia/Dhaka"
    gone = people.pop(110)
    table.write_many([*people, *newcomers], [(gone.pk, gone.sk)])
    plan(world, send)

    found = [contact for chunk in stored(send) for contact in chunk.contacts]
    wanted = {contact.contact_id for contact in [*people, newcomers[0]]}  # the other came behind the planner's back
    assert len(found) == len(set(found)) and set(found) == wanted
    after = Send.fetch(send.pk, send.sk)
    assert after is not None and after.planned_whole and after.audience_size == len(wanted)


def test_two_planners_at_once_plan_everybody_once(world: World) -> None:
    table.put_many(contacts(40))
    send = planned(size=10)
    state = {"tenant": TENANT, "send": send.send_id}
    events = table.connection().connection.client.meta.events

    def other(model: Any, **_: Any) -> None:
        events.unregister("before-call.dynamodb.TransactWriteItems", other)
        people = contacts(40)
        for contact in people:
            contact.time_zone = "Asia/Dhaka"  # the other one sees them elsewhere
        table.put_many(people)
        planning.plan(state)

    events.register("before-call.dynamodb.TransactWriteItems", other)
    planning.plan(state)
    planning.plan(state)

    found = [contact for chunk in stored(send) for contact in chunk.contacts]
    assert len(found) == 40 == len(set(found))
    assert {chunk.not_before for chunk in stored(send)} == {datetime(2026, 3, 10, 3, tzinfo=UTC)}


def test_a_chunk_has_people_of_one_time_and_is_due_then(world: World) -> None:
    table.put_many(contacts(70))
    send = planned(size=10)
    plan(world, send)

    found: dict[str, set[int]] = {}
    for chunk in stored(send):
        assert len(chunk.contacts) <= 10 and chunk.gsi2sk.startswith(clock.iso(chunk.not_before))
        found.setdefault(clock.iso(chunk.not_before)[:13], set()).update(int(one[4:]) % 3 for one in chunk.contacts)
    assert found == {"2026-03-10T03": {0}, "2026-03-10T08": {1}, "2026-03-10T09": {2}}
    assert due.next_at("ses", send.send_id) == datetime(2026, 3, 10, 3, tzinfo=UTC)


def test_everyone_gets_it_at_nine_on_their_own_clock(clocked: Clocked) -> None:
    """It is Monday, 9:00 UTC; the campaign is for Tuesday. Christmas Island's Tuesday begins first."""
    for name, zone in (("line", "Pacific/Kiritimati"), ("dhaka", "Asia/Dhaka"), ("unknown", None)):
        clocked.contact(f"{name}@town.example", **({"time_zone": zone} if zone else {}))
    clocked.contact("la@town.example", time_zone="America/Los_Angeles")
    made = clocked.said(
        send_in_recipient_zone=True, local_send_at="2026-03-03T09:00:00", time_zone="Europe/London",
        send_type="scheduled",
    )  # fmt: skip
    shown = clocked.do("get", made).data
    assert (shown["status"], shown["scheduled_at"]) == ("scheduled", "2026-03-02T18:30:00.000Z")

    arrived: dict[float, list[str]] = {}
    for hour in (9.6, 10.01, 31.9, 32.01):
        clocked.later(seconds=(START + timedelta(hours=hour) - clock.business()).total_seconds())
        before = [name for names in arrived.values() for name in names]
        arrived[hour] = [name for address in clocked.mails.addresses() if (name := address.split("@")[0]) not in before]

    assert {hour: sorted(names) for hour, names in arrived.items()} == {
        9.6: [], 10.01: ["line"], 31.9: ["dhaka", "unknown"], 32.01: ["la"]
    }  # fmt: skip
    assert clocked.status(made) == "sent"


def test_another_local_time_is_another_schedule(clocked: Clocked) -> None:
    made = clocked.said()
    asked = {"local_send_at": "2026-03-05T09:00:00"}
    shown = clocked.do("schedule", made, body=asked).data
    assert (shown["send_in_recipient_zone"], shown["scheduled_at"]) == (True, "2026-03-04T18:30:00.000Z")
    assert clocked.do("update", made, body=asked).status == 409
    assert clocked.do("schedule", made, body={"scheduled_at": "2026-03-05T09:00:00Z"}).refused == ["scheduled_at"]
    again = clocked.do("schedule", made, body={"local_send_at": "2026-03-06T09:00:00"}).data
    assert (again["local_send_at"], again["scheduled_at"]) == ("2026-03-06T09:00:00", "2026-03-05T18:30:00.000Z")


def test_what_cannot_be_is_refused(clocked: Clocked) -> None:
    body = {"name": "Zones", "send_in_recipient_zone": True}
    assert clocked.world.call("campaigns.create_campaign", body=body).status == 422
    zoned = {**body, "local_send_at": "2026-03-03T09:00:00Z"}
    assert clocked.world.call("campaigns.create_campaign", body=zoned).refused == ["local_send_at"]
    made = clocked.said()
    clocked.do("update", made, body={"send_in_recipient_zone": True})
    assert clocked.do("launch", made).refused == ["local_send_at"]
