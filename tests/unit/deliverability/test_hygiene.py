"""The list hygiene report: what it finds, that a repeated round doubles nothing, and the segment made of it."""

import os
from datetime import timedelta
from typing import Any

import pytest
from drumbeat import clock, table
from drumbeat.activity import rollups
from drumbeat.activity.model import message_row
from drumbeat.contacts.model import Contact
from drumbeat.deliverability import soft_bounces
from drumbeat.deliverability.hygiene import rules, walking
from drumbeat.deliverability.hygiene.model import HYGIENE, Report

from tests.world import World, client


def contact(world: World, email: str | None = None, **more: Any) -> str:
    said = {"consent": {"email": {"status": "granted"}}} | more
    body = {"email": email, **said} if email else said | {"phone": "+8801712345678"}
    return str(world.call("contacts.create_contact", body=body).data["id"])


def test_a_report_finds_them_and_makes_a_segment(world: World) -> None:
    now = clock.business()
    people = {
        "fine": contact(world, "fine@shop.example.io"),
        "typo": contact(world, "ann@gmial.com"),
        "role": contact(world, "info@shop.example.io"),
        "plain": contact(world, "bob@gmail.com"),
        "tagged": contact(world, "b.o.b+news@gmail.com"),
        "quiet": contact(world, "quiet@shop.example.io"),
        "lively": contact(world, "lively@shop.example.io"),
        "silent": contact(world, "no@shop.example.io", consent={}),
        "bouncing": contact(world, "full@shop.example.io"),
        "gone": contact(world, "gone@mailinator.com"),
        "none": contact(world),
    }
    world.call("contacts.create_suppression", body={"address": "gone@mailinator.com"})
    for name in ("quiet", "lively"):
        Contact.change_at(*Contact.key("ten_acme", people[name]), Contact.created_at.set(now - timedelta(days=400)))
        mail = message_row(
            "ten_acme", people[name], "sent", now - timedelta(days=3), "snd_x", "cmp_x", f"m-{name}", {}, False
        )  # fmt: skip
        table.put_many([mail])
    rollups.add_message("ten_acme", people["lively"], "email.opened", now.date().isoformat(), "m-lively")
    soft_bounces.reached("ten_acme", "full@shop.example.io", people["bouncing"], "msg_1", now)

    asked = world.call("deliverability.create_hygiene_report", body={}).data
    assert (asked["state"], asked["contacts"]) == ("running", 11)
    assert world.call("deliverability.create_hygiene_report", body={}).data["id"] == asked["id"]
    world.settle()
    walking.round_of({"tenant": "ten_acme", "report": asked["id"]})  # once more, from the beginning
    path = {"report_id": "latest"}
    report = world.call("deliverability.get_hygiene_report", path=path).data

    assert (report["state"], report["evaluated"]) == ("done", 11)
    found = {one["category"]: one["count"] for one in report["categories"]}
    assert found == {
        "typo_domain": 1, "role_address": 1, "duplicate": 2, "never_engaged": 1, "no_consent": 1, "soft_bouncing": 1,
        "suppressed": 1, "disposable": 1, "no_address": 1, "test_address": 0,
    }  # fmt: skip
    query = {"category": "typo_domain"}
    (typo,) = world.call("deliverability.list_hygiene_findings", path=path, query=query).data["items"]
    assert (typo["contact_id"], typo["detail"]) == (people["typo"], "ann@gmail.com")
    first = world.call(
        "deliverability.list_hygiene_findings", path=path, query={"category": "duplicate", "limit": "1"}
    ).data
    second = world.call(
        "deliverability.list_hygiene_findings", path=path,
        query={"category": "duplicate", "limit": "1", "cursor": first["next_cursor"]},
    ).data  # fmt: skip
    both = {page["items"][0]["contact_id"] for page in (first, second)}
    assert (both, second["next_cursor"], second["total_count"]) == ({people["plain"], people["tagged"]}, None, 2)
    segment = world.call("deliverability.create_hygiene_segment", path=path, body={"category": "duplicate"}).data
    world.settle()
    members = world.call("segments.list_members", path={"segment_id": segment["id"]}).data["items"]
    assert {member["contact"]["id"] for member in members} == both


def test_a_run_that_vanished_goes_on_when_it_is_asked_for_again(world: World) -> None:
    contact(world, "ann@gmial.com")
    asked = world.call("deliverability.create_hygiene_report", body={}).data["id"]
    started = client("stepfunctions").list_executions(stateMachineArn=os.environ[HYGIENE.variable])["executions"]
    world.seen |= {run["executionArn"] for run in started}  # lost
    report = Report.fetch(*Report.key("ten_acme", asked))
    assert report is not None
    report.change(Report.seen_at.set(clock.wall() - walking.SILENCE * 2))

    assert world.call("deliverability.create_hygiene_report", body={}).data["id"] == asked
    world.settle()

    shown = world.call("deliverability.get_hygiene_report", path={"report_id": asked}).data
    assert (shown["state"], shown["evaluated"]) == ("done", 1)


def test_nothing_is_made_of_a_report_that_is_still_running(world: World) -> None:
    contact(world, "ann@gmial.com")
    path = {"report_id": world.call("deliverability.create_hygiene_report", body={}).data["id"]}
    body = {"category": "typo_domain"}

    early = world.call("deliverability.create_hygiene_segment", path=path, body=body)
    world.settle()
    made = world.call("deliverability.create_hygiene_segment", path=path, body=body)

    assert (early.status, early.body["error_code"]) == (409, "REPORT_IS_RUNNING")
    assert made.status == 201
    # Deleted before it was filled: then there is nothing left to do.
    world.call("segments.delete_segment", path={"segment_id": made.data["id"]})
    state = {"tenant": "ten_acme", "report": path["report_id"], "segment": made.data["id"], **body}
    assert world.run("deliverability.examine_contacts", state)["done"] is True


def test_a_cursor_of_another_list_is_refused(world: World) -> None:
    for name in ("ann", "bob"):
        contact(world, f"{name}@gmial.com")
        contact(world, f"{name}@mailinator.com")
    path = {"report_id": world.call("deliverability.create_hygiene_report", body={}).data["id"]}
    world.settle()
    query = {"category": "typo_domain", "limit": "1"}
    cursor = world.call("deliverability.list_hygiene_findings", path=path, query=query).data["next_cursor"]

    query = {"category": "disposable", "cursor": cursor}
    refused = world.call("deliverability.list_hygiene_findings", path=path, query=query)

    assert (refused.status, refused.refused) == (422, ["cursor"])


@pytest.mark.parametrize(
    ("domain", "meant"),
    [
        ("gmial.com", "gmail.com"), ("gamil.com", "gmail.com"), ("gmail.con", "gmail.com"), ("gmai.com", "gmail.com"),
        ("hotmaill.com", "hotmail.com"), ("yaho.com", "yahoo.com"), ("outlok.com", "outlook.com"),
        ("gmail.com", None), ("mail.com", None), ("ymail.com", None), ("gmx.de", None), ("acme.com", None),
        ("mygmail.com", None),
    ],
)  # fmt: skip
def test_domains_that_are_a_slip_of_the_finger(domain: str, meant: str | None) -> None:
    assert rules.meant_domain(domain) == meant


@pytest.mark.parametrize(
    ("address", "written"),
    [
        ("ann+shop@acme.io", "ann@acme.io"), ("a.n.n@gmail.com", "ann@gmail.com"),
        ("ann@googlemail.com", "ann@gmail.com"),
        ("ann@gmail.com", None), ("a.n.n@acme.io", None), ("+x@acme.io", None),
    ],
)  # fmt: skip
def test_ways_to_write_one_mailbox(address: str, written: str | None) -> None:
    assert rules.canonical(address) == written
