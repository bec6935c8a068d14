"""What requests can do with journeys: limits, versions, archiving, performance with a holdout, and dry runs."""

from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.accounts import settings
from drumbeat.contacts import model as contacts
from drumbeat.journeys import converting, lifecycle, measuring, model, performance, sending
from drumbeat.journeys.documented import rules
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.model import Face, Journey, TooMany
from drumbeat.journeys.rules import held_out
from drumbeat.journeys.steps import Definition
from drumbeat.journeys.tallies import Group
from drumbeat.journeys.versions import Versions
from drumbeat.sends.totals import Totals

from tests import rewind
from tests.meanwhile import quicker
from tests.unit.journeys.engine import Engine, contact, mail, on, wait
from tests.unit.sends.conftest import TENANT, Clocked
from tests.world import World

RULE = {"trigger": "x", "actions": [{"type": "add_tag", "tag": "a"}]}


def rule(world: World, name: str) -> Any:
    body = {"name": name, **RULE}
    return world.call("journeys.create_journey", route="POST /api/marketing/automation/rules", body=body)


def limit(world: World, **automation: Any) -> None:
    assert world.call("accounts.update_settings", body={"automation": automation}).status == 200


def test_one_rule_more_than_the_maximum_is_refused_also_of_two_that_come_together(world: World) -> None:
    limit(world, rules={"max_rules": 2})
    assert rule(world, "One").status == 201
    definition = rules.converted(RULE).definition

    def another(_: Any) -> None:
        assert rule(world, "Two").status == 201

    journey = model.make(
        "ten_acme", model.new_id(), "Three", Definition.model_validate(definition), None, clock.business(),
        face=Face.RULE.value,
    )  # fmt: skip
    key = ("COUNT#ten_acme#journeys_rule", "0")
    with pytest.raises(TooMany), quicker(key, another):
        model.add(journey, 2)

    reply = rule(world, "Four")
    assert (reply.status, reply.body["error_code"]) == (409, "AUTOMATION_LIMIT")
    listed = world.call("journeys.list_journeys", query={"kind": "rule"}).data
    assert (listed["total_count"], {row["name"] for row in listed["items"]}) == (2, {"One", "Two"})
    gone = listed["items"][0]
    assert world.call("journeys.archive_journey", path={"journey_id": gone["id"]}, body={}).status == 200
    again = rule(world, gone["name"])
    assert (again.status, again.body["name"]) == (201, gone["name"])  # there is room, and the name is free
    assert world.call("journeys.get_journey", path={"journey_id": gone["slug"]}).data["id"] == again.body["id"]


def test_switched_off_rules_are_not_made_and_let_nobody_in(engine: Engine) -> None:
    assert rule(engine.world, "Tag").status == 201
    limit(engine.world, rules={"enabled": False})
    engine.happens(0, "x")
    engine.soon()

    assert not contacts.get(TENANT, contact(0)).tags
    refused = rule(engine.world, "Other")
    assert (refused.status, refused.body["error_code"]) == (409, "AUTOMATION_SWITCHED_OFF")
    limit(engine.world, rules={"enabled": True})
    engine.happens(0, "x")
    engine.soon()
    assert contacts.get(TENANT, contact(0)).tags == {"a"}


@pytest.fixture
def shop(clocked: Clocked) -> Engine:
    return Engine(clocked, people=6)


def bought(shop: Engine, place: int, value: float, order: str) -> None:
    said = {"value": value, "order_id": order}
    shop.happens(place, "purchase", properties=said, event_id=order)


def performance_of(shop: Engine, journey: str, **query: str) -> Any:
    return shop.world.call("journeys.get_performance", path={"journey_id": journey}, query=query).data


def arrived(send: str) -> None:
    """The provider has reported that all messages of a send have arrived."""
    totals = Totals.many([Totals.key(TENANT, send)])[0]
    numbers = {**totals.numbers, "delivered": totals.numbers["accepted"]}
    totals.change(Totals.numbers.set(numbers))


def with_a_holdout(shop: Engine) -> str:
    """A journey whose holdout is not nobody and not everybody: that hangs on its id."""
    steps = (mail("one"), wait("w", "P2D"), mail("two"))
    while True:
        draft = shop.drafted(on("signed_up"), *steps, holdout=50)
        held = [held_out(draft.journey_id, contact(place), 50) for place in range(6)]
        if any(held) and not all(held):
            return str(lifecycle.publish(draft, "usr_1", clock.business()).journey_id)


def test_members_and_holdout_are_measured_alike_and_each_purchase_counts_once(shop: Engine) -> None:
    journey = with_a_holdout(shop)
    for place in range(6):
        shop.happens(place, "signed_up")
    shop.soon()
    held = {place for place in range(6) if shop.entry(journey, place).state == "holdout"}
    inside = sorted(set(range(6)) - held)
    bought(shop, inside[0], 10, "o1")
    bought(shop, inside[0], 15.5, "o2")
    bought(shop, inside[0], 10, "o1")  # told again
    bought(shop, min(held), 20, "o3")
    shop.settle()

    found = performance_of(shop, journey)
    assert (found["entries"], found["waiting"]) == (len(inside), len(inside))
    assert (found["converted"], found["conversions"], found["revenue"]) == (1, 2, 25.5)
    assert (found["holdout"]["members"], found["holdout"]["converted"], found["holdout"]["revenue"]) == (
        len(held), 1, 20
    )  # fmt: skip
    one, pause, two = found["steps"]
    assert (one["entered"], one["messages"]["sent"], pause["waiting"], two["entered"]) == (
        len(inside), len(inside), len(inside), 0
    )  # fmt: skip
    assert found["lift"]["low"] < found["lift"]["difference"] < found["lift"]["high"]
    assert not found["lift"]["significant"]

    state = {"tenant": TENANT, "journey": journey, "shard": 0, "day": "", "began": clock.iso(clock.business())}
    measuring.round_of(dict(state))
    measuring.round_of(dict(state))  # a task that runs twice
    again = performance_of(shop, journey)
    assert {**again, "as_of": None} == {**found, "as_of": None}
    assert performance_of(shop, journey, start_date="2020-01-01", end_date="2020-01-31")["entries"] == 0
    assert performance_of(shop, journey, version="1")["entries"] == len(inside)

    for days in (3, 40):
        shop.time.passes(timedelta(days=days))
        shop.settle()
    later = performance_of(shop, journey)
    assert (later["completed"], later["completion_rate"], later["conversions"]) == (len(inside), 1.0, 2)
    for send in sending.of_journey(TENANT, journey):
        arrived(send.send_id)
    entered = shop.entry(journey, inside[0]).entered_at
    second = performance_of(shop, journey, start_date=(entered + timedelta(days=1)).date().isoformat())
    last = second["steps"][2]  # its messages are of these days, and the entries of others
    assert (second["entries"], last["executions"], last["messages"]["sent"]) == (0, 0, len(inside))
    assert (last["successes"], last["success_rate"]) == (len(inside), 1.0)
    rows = [row for row in table.rows(Cell, Cell.partition(TENANT, journey)) if row.sk != measuring.HEAD]
    assert rows and all(row.sealed for row in rows)


def test_a_pass_that_is_cut_off_goes_on_where_it_was(shop: Engine) -> None:
    journey = shop.running(on("signed_up"), wait("w", "P2D"))
    for place in range(6):
        shop.happens(place, "signed_up")
    shop.soon()

    state = {"tenant": TENANT, "journey": journey, "shard": 0, "day": "", "began": clock.iso(clock.business())}
    first = measuring.round_of(dict(state), seconds=-1.0)
    assert not first["done"] and first["day"]
    while not state.get("done"):
        state = measuring.round_of(state, seconds=0.02)
    assert performance_of(shop, journey)["complete"]


def test_what_a_caller_does_not_wait_for_is_left_to_the_sweep(shop: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = shop.running(on("signed_up"), wait("w", "P2D"))
    for place in range(6):
        shop.happens(place, "signed_up")
    shop.soon()
    monkeypatch.setattr(measuring, "PATIENCE", -1.0)

    first = performance_of(shop, journey)
    assert (first["complete"], first["as_of"], first["entries"]) == (False, None, 0)
    assert not performance_of(shop, journey)["complete"]  # nobody begins another pass meanwhile
    assert shop.world.run("journeys.sweep_journeys", {})["result"]["measures"] == 1
    shop.settle()
    second = performance_of(shop, journey)
    assert (second["complete"], second["entries"], second["waiting"]) == (True, 6, 6)
    assert shop.world.run("journeys.sweep_journeys", {})["result"]["measures"] == 0
    rows = [row for row in table.rows(Cell, Cell.partition(TENANT, journey)) if row.sk != measuring.HEAD]
    assert sum(sum(cell["states"].values()) for row in rows for cell in row.numbers.values()) == 6


def test_days_of_another_zone_are_counted_anew(shop: Engine) -> None:
    journey = shop.running(on("signed_up"), wait("w", "P2D"))
    shop.happens(0, "signed_up")
    shop.soon()
    day = shop.entry(journey).entered_at.date()
    assert performance_of(shop, journey)["entries"] == 1
    body = {"time_zone": "Pacific/Pago_Pago"}  # eleven hours behind: it was yesterday there
    assert shop.world.call("accounts.update_settings", body=body).status == 200
    shop.passes(minutes=1)

    assert performance_of(shop, journey)["entries"] == 1
    assert performance_of(shop, journey, start_date=day.isoformat())["entries"] == 0


def test_a_pass_that_was_overtaken_leaves_nothing_to_go_on_with(shop: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    journey = shop.running(on("signed_up"), wait("w", "P2D"))
    shop.happens(0, "signed_up")
    shop.soon()
    monkeypatch.setattr(measuring, "PATIENCE", -1.0)

    def whole(_: Any) -> None:
        later = clock.iso(clock.business() + timedelta(seconds=1))
        measuring.round_of({"tenant": TENANT, "journey": journey, "shard": 0, "day": "", "began": later})

    key = Cell.partition(TENANT, journey), measuring.HEAD
    with quicker(key, whole):
        assert performance_of(shop, journey)["entries"] == 1
    head = Cell.fetch(*key)
    assert head is not None and head.left is None and head.gsi2pk is None


def test_a_goal_converts_by_its_event_for_the_latest_entry(shop: Engine) -> None:
    goal = {"event": "upgraded", "within": "P10D"}
    journey = shop.running(on("signed_up"), wait("w", "P1D"), goal=goal, re_entry="always", exit_on={"goal": False})
    for _ in range(2):
        shop.happens(0, "signed_up")
        shop.soon()
        shop.passes(days=2)
    shop.happens(0, "upgraded", properties={"value": 30})
    shop.settle()
    assert len(shop.entries(journey)) == 2

    found = performance_of(shop, journey)
    assert (found["entries"], found["converted"], found["conversions"], found["revenue"]) == (2, 1, 1, 30)
    versions = Versions(TENANT, journey)
    mine = list(shop.entries(journey))
    told = converting.of(mine, versions, settings.of(TENANT))
    assert [told[one.pk + one.sk].events for one in mine] == [1, 0]
    # Beside a holdout group, whose people enter once, members are people too.
    assert (found["members"]["members"], found["members"]["converted"], found["members"]["revenue"]) == (1, 1, 30)
    assert (found["conversion_rate"], found["members"]["conversion_rate"]) == (0.5, 1.0)


def test_lift_of_known_groups() -> None:
    found = performance.lift(Group(70, 56), Group(80, 48), "USD")

    assert found is not None and found.difference == 0.2
    # Newcombe, Stat. Med. 17, 1998, table II, method 10
    assert [found.low, found.high] == pytest.approx([0.0524, 0.3339], abs=5e-5)
    assert found.relative == pytest.approx(1 / 3, abs=1e-6) and found.significant
    assert performance.lift(Group(70, 56), Group(), "USD") is None


def everything() -> Any:
    """What must stay as it is: rows but for limits, the outbox of dry runs itself, and mails and messages."""
    return {key: row for key, row in rewind.rows().items() if key[0].split("#")[0] not in ("RATE", "DRYRUN")}


def test_a_dry_run_tells_what_would_have_happened_and_changes_nothing(shop: Engine) -> None:
    for place in range(4):
        shop.happens(place, "signed_up", properties={"plan": "free" if place else "gold"})
    shop.passes(days=1)
    shop.happens(1, "upgraded")
    shop.happens(2, "signed_up", properties={"plan": "free"})
    shop.passes(days=9)
    shop.world.settle()
    mails, before = shop.mails(), everything()

    body = {
        "trigger": on("signed_up", {"field": "plan", "operator": "equals", "value": "free"}),
        "steps": [
            mail("one"), {"id": "wait", "type": "wait_for_event", "event": "upgraded", "time_out": "P3D",
                          "next": "thanks", "on_time_out": "ask"},
            mail("thanks", next="end"),
            {"id": "ask", "type": "branch", "engagement": {"activity": "opened"}, "if_true": "two", "if_false": "end"},
            mail("two"),
        ],
        "assume": {"opened": 100}, "terms": {"re_entry": "always"},
    }  # fmt: skip
    started = shop.world.call("journeys.start_dry_run", body=body)
    assert started.status == 202
    job = {"job_id": started.data["job_id"]}
    shop.world.settle()
    shop.world.run("journeys.replay_contacts", {"tenant": TENANT, "job": job["job_id"]})  # a task that runs twice
    found = shop.world.call("journeys.get_dry_run", path=job).data

    assert (found["state"], found["looked_at"], found["exact"]) == ("done", 6, True)
    assert (found["entered"], found["entries"]) == (3, 3)  # p2's second event finds it inside before
    assert found["steps"] == {
        "one": {"queued": 3}, "wait": {"happened": 1, "timed_out": 2}, "thanks": {"queued": 1}, "ask": {"true": 2},
        "two": {"queued": 2},
    }  # fmt: skip
    assert (found["messages_total"], found["ended"]) == (6, {"completed": 3})
    days = [sum(day.values()) for day in found["messages"].values()]
    assert days == [3, 1, 2]  # at once, the day after, and three days after
    assert {tuple(one["path"]) for one in found["sample"]} == {
        ("one:queued", "wait:happened", "thanks:queued"),
        ("one:queued", "wait:timed_out", "ask:true", "two:queued"),
    }
    assert (shop.mails(), everything()) == (mails, before)
    assert not list(shop.world.call("journeys.list_journeys").data["items"])


def test_a_dry_run_and_the_journey_itself_come_to_the_same(shop: Engine) -> None:
    steps = [mail("one"), wait("w", "P2D"),
             {"id": "ask", "type": "branch", "if_true": "yes", "if_false": "no",
              "criteria": {"logic": "AND", "conditions": [{"event": "upgraded"}]}},
             mail("yes", next="end"), mail("no")]  # fmt: skip
    journey = shop.running(on("signed_up"), *steps, holdout=30)
    for place in range(6):
        shop.happens(place, "signed_up")
    shop.soon()
    shop.happens(3, "upgraded")
    shop.passes(days=3)

    real = performance_of(shop, journey)
    started = shop.world.call("journeys.start_dry_run", body={"journey_id": journey, "version": 1}).data
    shop.world.settle()
    found = shop.world.call("journeys.get_dry_run", path={"job_id": started["job_id"]}).data

    assert (found["entries"], found["held_out"]) == (real["entries"], real["holdout"]["members"])
    assert found["steps"] == {step["step"]: step["outcomes"] for step in real["steps"] if step["outcomes"]}
    assert found["messages_total"] == shop.mails().total()


def test_what_is_not_there_is_named_where_the_request_has_it(shop: Engine) -> None:
    step = {"step_id": 1, "type": "add_to_segment", "segment_id": "none"}
    workflow = {"trigger_type": "api_trigger", "workflow_steps": [step]}
    place = "workflow_steps[0].segment_id"

    reply = shop.world.call("journeys.start_dry_run", body={"workflow": workflow})
    assert (reply.status, reply.body["error_code"], reply.refused) == (422, "JOURNEY_NOT_READY", [f"workflow.{place}"])
    at = "/api/v1/marketing/automation/workflows"
    body = {"workflow_name": "None", "is_active": False, **workflow}
    made = shop.world.call("journeys.create_journey", route=f"POST {at}", body=body).body["id"]
    reply = shop.world.call(
        "journeys.set_status", route=f"PUT {at}/{{workflow_id}}/status", path={"workflow_id": made},
        body={"status": "active"},
    )  # fmt: skip
    assert (reply.status, reply.refused) == (422, [place])


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["journey_id"]),
        ({"journey_id": "one", "trigger": {"type": "api"}}, ["journey_id"]),
        ({"trigger": {"type": "api"}, "steps": [wait("w", "P2D")], "version": 1}, ["version"]),
        ({"trigger": {"type": "api"}}, ["steps"]),
    ],
)
def test_a_dry_run_ignores_nothing_that_was_asked(world: World, body: dict[str, Any], fields: list[str]) -> None:
    reply = world.call("journeys.start_dry_run", body=body)
    assert (reply.status, reply.refused) == (422, fields)


def test_a_dry_run_takes_out_who_left_the_segment(shop: Engine) -> None:
    segment = shop.world.call("segments.create_segment", body={"name": "VIP", "dynamic": False}).data["id"]
    members = {"contact_ids": [contact(place) for place in range(6)]}
    shop.happens(0, "signed_up")
    shop.happens(1, "signed_up")
    shop.passes(days=1)
    gone = {"contact_ids": [contact(0)]}
    assert shop.world.call("segments.add_members", path={"segment_id": segment}, body=members).status == 200
    assert shop.world.call("segments.remove_members", path={"segment_id": segment}, body=gone).status == 200
    shop.happens(0, "signed_up")
    shop.happens(1, "signed_up")
    shop.passes(days=9)
    terms = {"exit_on": {"segment": segment}, "re_entry": "always"}
    body = {"trigger": on("signed_up"), "steps": [wait("w", "P2D"), mail("one")], "terms": terms}
    job = shop.world.call("journeys.start_dry_run", body=body).data["job_id"]
    shop.world.settle()

    found = shop.world.call("journeys.get_dry_run", path={"job_id": job}).data
    assert found["ended"] == {"exited: left_segment": 3, "completed": 1} and found["messages_total"] == 1


def test_an_archive_that_died_halfway_is_finished_by_the_next(world: World) -> None:
    made = rule(world, "One").body["id"]
    journey = model.get("ten_acme", made)
    lifecycle.archive(journey, clock.business())  # and its name is still taken
    assert world.call("journeys.archive_journey", path={"journey_id": made}, body={}).status == 200

    assert rule(world, "One").status == 201
    assert model.get("ten_acme", "one").journey_id != made
    listed = world.call("journeys.list_journeys", query={"status": "archived"}).data
    assert ([row["id"] for row in listed["items"]], listed["total_count"]) == ([made], 1)


def test_a_sequence_keeps_its_limit_however_it_is_changed(world: World) -> None:
    limit(world, sequences={"max_emails_per_sequence": 2})
    mails = [{"subject": f"{number}", "html_content": "<p>x</p>"} for number in range(3)]
    body = {"name": "Drip", "enabled": False, "steps": mails[:2]}
    path = "POST /api/marketing/automation/sequences"
    over = world.call("journeys.create_journey", route=path, body={**body, "steps": mails})
    assert (over.status, over.body["error_code"], over.refused) == (422, "TOO_MANY_EMAILS", ["steps"])
    made = world.call("journeys.create_journey", route=path, body=body)
    assert made.status == 201, made.text

    change: dict[str, Any] = {"steps": [mail(f"s{number}") for number in range(3)]}
    for more, place in ((change, "steps"), ({"sequence": {"emails": mails}}, "sequence.emails")):
        reply = world.call("journeys.update_journey", path={"journey_id": made.body["id"]}, body=more)
        assert (reply.status, reply.body["error_code"], reply.refused) == (422, "TOO_MANY_EMAILS", [place])


def test_all_entries_of_a_contact_can_be_read(shop: Engine) -> None:
    journey = shop.running(on("x"), {"id": "over", "type": "exit"}, re_entry="always")
    for number in range(3):
        shop.happens(0, "x", event_id=f"e{number}")
        shop.happens(1, "x", event_id=f"f{number}")
        shop.soon()
    seen, query = list[int](), {"contact_id": contact(0), "limit": "2"}
    while True:
        page = shop.world.call("journeys.list_entries", path={"journey_id": journey}, query=query).data
        assert page["total_count"] == 3 and {one["contact_id"] for one in page["items"]} == {contact(0)}
        seen += [one["number"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == [3, 2, 1]


def test_somebody_inside_keeps_a_journey_until_they_are_to_leave(shop: Engine) -> None:
    journey = shop.running(on("signed_up"), wait("w", "P2D"), mail("one"))
    shop.happens(0, "signed_up")
    shop.soon()
    path = {"journey_id": journey}

    refused = shop.world.call("journeys.archive_journey", path=path, body={})
    assert (refused.status, refused.body["error_code"]) == (409, "PEOPLE_INSIDE")
    assert shop.world.call("journeys.archive_journey", path=path, body={"end": True}).data["status"] == "archived"
    assert shop.world.call("journeys.archive_journey", path=path, body={}).data["status"] == "archived"
    shop.passes(days=3)
    assert not shop.mails() and shop.entry(journey).state == "exited"
    assert Journey.fetch(*Journey.key(TENANT, journey)) is not None
    lists = shop.world.call("journeys.list_journeys").data, shop.world.call(
        "journeys.list_journeys", query={"archived": "true"}
    ).data  # fmt: skip
    assert [listed["total_count"] for listed in lists] == [0, 1]
    theirs = shop.world.call("journeys.list_contact_journeys", path={"contact_id": contact(0)}).data
    assert [(one["journey_id"], one["inside"]) for one in theirs["items"]] == [(journey, False)]
    assert Entry.entered(TENANT, contact(0)).startswith("ENTERED#")
