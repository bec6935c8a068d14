"""Exports: the chosen fields in each format, exactly once, safe to open, and visible when they fail."""

import io
import json
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import pytest
from drumbeat import clock, files
from drumbeat.contacts.cells import guarded, unguarded
from drumbeat.exports import formats, slices, workbook
from drumbeat.exports.model import FOLDER, MOST_RUNS, STALLED, Export
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.campaigns.conftest import Shop
from tests.unit.contacts.files import imported
from tests.unit.exports.exported import asked, exported, file_of, job, lines, table
from tests.world import World

DOCUMENTED = ["email", "phone", "customer_lifetime_value", "last_purchase_date"]


def person(world: World, email: str, **more: Any) -> str:
    return str(world.call("contacts.create_contact", body={"email": email, **more}).data["id"])


def bought(world: World, email: str, amount: float, at: str) -> None:
    event = {"name": "purchase", "email": email, "occurred_at": at, "properties": {"value": amount, "order_id": email}}
    assert world.call("activity.record_events", body=event).data["recorded"] == 1


def test_the_documented_export_of_a_segment_has_just_those_columns_in_each_format(world: World) -> None:
    person(world, "ann@example.com", phone="+8801712345678")
    person(world, "other@elsewhere.example")
    bought(world, "ann@example.com", 1500.5, "2026-01-02T03:04:05Z")
    criteria = {"conditions": [{"field": "email", "operator": "ends_with", "value": "@example.com"}]}
    segment = world.call("segments.create_segment", body={"name": "High value", "criteria": criteria}).data
    world.settle()
    row = {
        "email": "ann@example.com", "phone": "+8801712345678", "customer_lifetime_value": 1500.5,
        "last_purchase_date": "2026-01-02T03:04:05.000Z",
    }  # fmt: skip

    for kind in ("csv", "xlsx", "json"):
        reply = world.call(
            "exports.create_export",
            route="POST /api/v1/marketing/segments/{segment_id}/export",
            path={"segment_id": segment["slug"]},
            body={"format": kind, "fields": DOCUMENTED},
        )
        assert reply.status == 202, reply.text
        told = reply.body
        assert (told["segment_id"], told["format"], told["status"]) == (segment["id"], kind, "queued")
        assert told["fields"] == DOCUMENTED
        path = {"export_id": told["export_id"]}
        assert told["download_url"] == f"https://track.example/v1/exports/{told['export_id']}/download"
        early = world.call("exports.download_export", path=path)
        assert (early.status, early.body["error_code"]) == (409, "EXPORT_NOT_FINISHED")
        world.settle()

        led = world.call("exports.download_export", path=path)
        assert led.status == 302 and f"/exports/ten_acme/{told['export_id']}/segment-" in led.headers["Location"]
        content = file_of(job(world, told["export_id"]))

        if kind == "json":
            assert json.loads(content) == [row]
        elif kind == "csv":
            assert content.decode() == f"{','.join(DOCUMENTED)}\r\n{','.join(map(str, row.values()))}\r\n"
        else:
            sheet = openpyxl.load_workbook(io.BytesIO(content)).active
            assert list(sheet.values) == [tuple(DOCUMENTED), tuple(row.values())]
    refused = world.call(
        "exports.create_export",
        route="POST /api/v1/marketing/segments/{segment_id}/export",
        path={"segment_id": segment["id"]},
        body={"format": "pdf", "fields": ["email", "shoe_size"]},
    )
    assert (refused.status, refused.refused) == (422, ["format"])


def test_what_is_not_there_is_named_with_what_is(world: World) -> None:
    reply = asked(world, kind="contacts", fields=["email", "shoe_size", "email"], filters={"campaign_id": "x"})

    assert reply.status == 422
    assert reply.refused == ["filters.campaign_id", "fields[1]", "fields[2]"]
    said = {detail["field"]: detail["message"] for detail in reply.body["error"]["details"]}
    assert "first_name" in said["fields[1]"] and "attributes.<name>" in said["fields[1]"]
    assert "segment_id, tag" in said["filters.campaign_id"]
    assert asked(world, kind="segment").refused == ["filters.segment_id"]
    assert asked(world, kind="shoes").refused == ["kind"]
    assert asked(world, kind="everything", format="csv", fields=["id"]).refused == ["fields", "format"]
    assert asked(world, kind="segment", filters={"segment_id": "nowhere"}).status == 404
    world.keys["clerk"] = world.key("acme", ("exports:write", "exports:read"))
    assert asked(world, "clerk", kind="suppressions").status == 403


def test_attributes_are_columns_and_json_is_exact(world: World) -> None:
    nasty = {"plan": "=1+1", "seats": 12, "code": "007", "note": 'say "hi",\nthere', "address": {"city": "ঢাকা"}}
    person(world, "ann@example.com", attributes=nasty, tags=["vip", "news"], first_name="@Ann")
    person(world, "bob@example.com", attributes={"seats": 3.5})

    wanted = ["email", "first_name", "tags", "attributes.plan", "attributes.address.city", "attributes.none"]
    rows = table(exported(world, kind="contacts", fields=wanted, filters={"tag": "vip"}))
    assert rows == [
        {"email": "ann@example.com", "first_name": "'@Ann", "tags": "news;vip", "attributes.plan": "'=1+1",
         "attributes.address.city": "ঢাকা", "attributes.none": ""},
    ]  # fmt: skip
    whole = {row["email"]: row for row in table(exported(world, kind="contacts", format="csv"))}
    assert whole["ann@example.com"]["attributes.note"] == 'say "hi",\nthere'
    assert whole["ann@example.com"]["attributes.address"] == '{"city":"ঢাকা"}'
    assert whole["bob@example.com"]["attributes.seats"] == "3.5"
    assert {name for name in whole["bob@example.com"] if name.startswith("attributes")} == {
        "attributes.address", "attributes.code", "attributes.note", "attributes.plan", "attributes.seats"
    }  # fmt: skip
    exact = {row["email"]: row for row in json.loads(exported(world, kind="contacts", format="json"))}
    assert exact["ann@example.com"]["attributes"] == nasty
    assert exact["ann@example.com"]["first_name"] == "@Ann"


@settings(max_examples=60)
@given(st.text(alphabet="=+-@\t\r\n' \u00a0\uff1d1a", max_size=6))
def test_no_cell_is_a_formula_and_nothing_is_lost(cell: str) -> None:
    shown = guarded(cell)
    assert shown == cell or unguarded(shown) == cell
    bare = shown.lstrip(" \u00a0")
    assert not bare.startswith(("=", "+", "-", "@", "\t", "\r", "\uff1d")) or shown[1:].isdigit()
    assert guarded("+8801712345678") == "+8801712345678" and guarded("-2+3+cmd|' /C calc'!A0").startswith("'")


@contextmanager
def _dying(monkeypatch: pytest.MonkeyPatch, call: int) -> Iterator[None]:
    """Writing the file number `call` of the next round works, and then the worker dies."""
    real, seen = files.write, []

    def write(*args: Any) -> None:
        real(*args)
        seen.append(1)
        if len(seen) == call:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched, suppress(KeyboardInterrupt):
        patched.setattr(files, "write", write)
        yield


def _crowd(world: World, many: int) -> None:
    imported(world, "email\n" + "".join(f"p{number}@crowd.example\n" for number in range(many)))


def test_dying_midway_loses_nothing_and_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _crowd(world, 70)
    monkeypatch.setattr(slices, "MOST_ROWS", 20)
    made = asked(world, kind="contacts", fields=["email"]).data["id"]
    state = {"tenant": "ten_acme", "export_id": made}
    for _ in range(3):
        with _dying(monkeypatch, 1):  # a part is there, but the export has not moved on to it
            world.run("exports.write_rows", state)
        assert not world.run("exports.write_rows", state)["done"]
    person(world, "late@crowd.example")

    stale = Export.fetch(*Export.key("ten_acme", made))
    assert stale is not None
    world.settle()
    slices._note(stale, slices.Slice(None, rows=5, lines=bytearray(b'["twice@crowd.example"]\n')))

    done = job(world, made)
    addresses = [row["email"] for row in table(file_of(done))]
    assert len(addresses) == len(set(addresses)) == done["rows"]
    assert {f"p{number}@crowd.example" for number in range(70)} <= set(addresses) <= {
        "late@crowd.example", *(f"p{number}@crowd.example" for number in range(70))
    }  # fmt: skip


def test_a_lost_machine_is_started_again_and_at_last_given_up_visibly(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _crowd(world, 3)
    found, lost = (asked(world, kind="contacts").data["id"] for _ in range(2))
    world._machines = lambda: False  # type: ignore[method-assign]  # their starts are lost
    world.settle()
    del world._machines
    assert world.run("exports.sweep_exports")["result"] == 0
    later = clock.wall()
    for number in range(MOST_RUNS):
        later += STALLED + timedelta(minutes=1)
        monkeypatch.setattr(clock, "wall", lambda at=later: at)
        if number == 0:
            assert world.run("exports.sweep_exports")["result"] == 2
            state = {"tenant": "ten_acme", "export_id": found}
            while not world.run("exports.write_rows", state)["done"]:
                pass
        else:
            assert world.run("exports.sweep_exports")["result"] == 1
    assert job(world, found)["state"] == "done"
    ended = job(world, lost)
    assert (ended["state"], ended["download"]) == ("failed", None)
    assert "stopped 4 times" in ended["failure"]
    assert world.run("exports.sweep_exports")["result"] == 0


def test_memory_does_not_grow_with_the_rows() -> None:
    def peak(rows: int, kind: str) -> int:
        made = ([f"person{number}@example.com", number, ["a", "b"], {"x": 1}, None] for number in range(rows))
        tracemalloc.start()
        for _ in formats.written(kind, ["email", "n", "tags", "more", "none"], made):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    for kind in ("csv", "jsonl"):
        assert peak(6_000, kind) < 1.2 * peak(1_500, kind) + 100_000


def test_a_large_file_is_sent_in_parts(world: World) -> None:
    block = bytes(range(256)) * 4096  # 1 MB

    size = files.write_stream(FOLDER, "ten_acme", "large", (block for _ in range(19)), "text/plain")

    assert size == files.size(FOLDER, "ten_acme", "large") == 19 << 20
    assert files.read(FOLDER, "ten_acme", "large", start=(8 << 20) - 2, end=(8 << 20) + 2) == b"\xfe\xff\x00\x01"


def test_a_workbook_goes_on_in_the_next_sheet_and_has_a_limit(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    monkeypatch.setattr(workbook, "MOST_SHEET_ROWS", 3)
    rows = [[number, "x" * 40_000 if number == 3 else f"+88017{number:08}", 2**60, True, None] for number in range(5)]
    path = tmp_path / "made.xlsx"

    assert workbook.write(path, "contacts", ["n", "=phone", "long", "on", "none"], rows) == 1

    book = openpyxl.load_workbook(path)
    assert [len(list(sheet.values)) for sheet in book] == [3, 3, 2]
    assert next(iter(book.worksheets[1].values)) == ("n", "'=phone", "long", "on", "none")
    assert list(book.worksheets[0].values)[1] == (0, "+8801700000000", str(2**60), True, None)
    assert {cell.data_type for sheet in book for row in sheet for cell in row} <= {"s", "n", "b", "inlineStr"}
    monkeypatch.setattr(workbook, "MOST_CELLS", 5)
    _crowd(world, 3)
    made = asked(world, kind="contacts", format="xlsx", fields=["email", "id"]).data["id"]
    world.settle()
    ended = job(world, made)
    assert ended["state"] == "failed" and "at most 5 cells" in ended["failure"]


def test_recipients_and_timelines(shop: Shop) -> None:
    world = shop.world
    for name in ("ann", "bob"):
        shop.contact(f"{name}@town.example")
    silent = shop.contact("silent@town.example", consent=None)
    campaign = shop.campaign()
    shop.launch(campaign)
    bought(world, "ann@town.example", 12, "2026-01-02T03:04:05Z")

    rows = {row["email"]: row for row in lines(exported(world, kind="recipients", format="jsonl",
            filters={"campaign_id": campaign}))}  # fmt: skip
    assert {email: row["outcome"] for email, row in rows.items()} == {
        "ann@town.example": "sent", "bob@town.example": "sent", "silent@town.example": "not_sent"
    }  # fmt: skip
    assert rows["silent@town.example"]["reason"] == "no_consent"
    assert rows["ann@town.example"]["delivered"] is False
    left = exported(world, kind="recipients", fields=["contact_id", "reason"], filters={"campaign_id": campaign,
                    "outcome": "not_sent"})  # fmt: skip
    assert table(left) == [{"contact_id": silent, "reason": "no_consent"}]
    told = lines(exported(world, kind="timeline", format="jsonl", filters={"before": "2026-01-03T00:00:00Z"}))
    assert [(row["name"], row["occurred_at"], row["properties"]["value"]) for row in told] == [
        ("purchase", "2026-01-02T03:04:05.000Z", 12)
    ]
    everything = lines(exported(world, kind="timeline", format="jsonl"))
    assert sorted(row["name"] for row in everything) == ["email.sent", "email.sent", "purchase"]


def test_the_same_key_gives_the_same_export(world: World) -> None:
    first, second = (
        world.call("exports.create_export", body={"kind": "contacts"}, headers={"Idempotency-Key": "one"}).data["id"]
        for _ in range(2)
    )
    assert first == second
    assert world.call("exports.list_exports").data["total_count"] == 1
    assert world.call("exports.get_export", path={"export_id": first}, tenant="globex").status == 404


def test_a_file_is_only_for_who_may_see_what_is_in_it(world: World) -> None:
    made = asked(world, kind="contacts").data["id"]
    world.settle()
    world.keys["clerk"] = world.key("acme", ("exports:read",))
    path = {"export_id": made}

    assert job(world, made, "clerk")["state"] == "done" and job(world, made, "clerk")["download"] is None
    (row,) = world.call("exports.list_exports", tenant="clerk").data["items"]
    refused = world.call("exports.download_export", path=path, tenant="clerk")

    assert (row["download"], refused.status) == (None, 403) and "contacts:read" in refused.text
    assert world.call("exports.download_export", path=path).status == 302


def test_nothing_of_another_tenant_can_be_named(shop: Shop) -> None:
    world = shop.world
    contact, segment, campaign = shop.contact("ann@town.example"), shop.segment(), shop.campaign()
    theirs: list[tuple[str, dict[str, str]]] = [
        ("contacts", {"segment_id": segment}), ("segment", {"segment_id": segment}),
        ("recipients", {"campaign_id": campaign}), ("conversions", {"campaign_id": campaign}),
        ("timeline", {"contact_id": contact}), ("activity", {"contact_id": contact}),
    ]  # fmt: skip
    for kind, filters in theirs:
        assert asked(world, "globex", kind=kind, filters=filters).status == 404, kind
        assert asked(world, kind=kind, filters=filters).status == 202, kind
