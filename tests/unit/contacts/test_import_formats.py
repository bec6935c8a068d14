"""Importing other files than plain CSV: encodings, gzip, JSON lines, and what an import can be told."""

import csv
import gzip
import io
import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from drumbeat.contacts.imports import encodings, layout, slices
from drumbeat.contacts.imports.said import Context
from drumbeat.contacts.opt_in import model as opt_in

from tests.unit.contacts.files import imported, people, prepared, rejected, started, totals
from tests.world import BUCKET, World

# Accents that cp1252 has, in a header and in cells.
TABLE = [["email", "first_name", "Größe"], ["zoe", "Zoë", "40"], ["jörg", "Jörg “J”", "41"], ["plain", "Ann", "42"]]


def written(delimiter: str, name: str) -> str:
    text = io.StringIO()
    rows = [TABLE[0], *([f"{row[0].replace('ö', 'o')}.{name}@example.com", *row[1:]] for row in TABLE[1:])]
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def test_the_encoding_and_the_delimiter_are_found_out(world: World) -> None:
    files = {
        "plain": ("utf-8", ",", written(",", "plain").encode("utf-8-sig")),
        "excel": ("cp1252", ";", written(";", "excel").encode("cp1252")),
        "little": ("utf-16-le", "\t", b"\xff\xfe" + written("\t", "little").encode("utf-16-le")),
        "big": ("utf-16-be", "|", b"\xfe\xff" + written("|", "big").encode("utf-16-be")),
        "bare": ("utf-16-le", "\t", written("\t", "bare").encode("utf-16-le")),
        "barebig": ("utf-16-be", ",", written(",", "barebig").encode("utf-16-be")),
        "packed": ("utf-16-le", "\t", gzip.compress(written("\t", "packed").encode("utf-16"))),
    }

    for name, (encoding, delimiter, content) in files.items():
        job = imported(world, content)
        assert (job["state"], job["encoding"], job["delimiter"]) == ("done", encoding, delimiter), (name, job)
        assert totals(job) == (3, 3, 0, 0, 0)
        assert job["bytes_read"] == job["bytes_total"] == len(content)

    found = people(world)
    assert len(found) == 3 * len(files)
    for name in files:
        assert found[f"zoe.{name}@example.com"]["first_name"] == "Zoë"
        assert found[f"jorg.{name}@example.com"]["first_name"] == "Jörg “J”"
        assert found[f"plain.{name}@example.com"]["attributes"] == {"Größe": 42}


def test_a_letter_that_comes_late_is_read_too(world: World) -> None:
    """Only the beginning is looked at; of a file that is ASCII there, a line that is not UTF-8 is cp1252."""
    rows = "".join(f"p{n}@example.com,Ann\n" for n in range(3))
    last = "zoe@example.com,Zo\xeb\n".encode("cp1252")

    job = imported(world, f"email,first_name\n{rows}".encode() + last)

    assert (job["encoding"], people(world)["zoe@example.com"]["first_name"]) == ("cp1252", "Zoë")
    assert encodings.decode(last, "ascii") == ("zoe@example.com,Zoë\n", True)
    assert encodings.decode(b"\x81", "ascii")[1] is False


def test_json_lines(world: World) -> None:
    lines: list[Any] = [
        {
            "email": "a@example.com", "firstName": "Ann", "customer_id": 7, "tags": ["vip", "news"], "city": "Rome",
            "attributes": {"seats": 12, "plan": {"name": "gold"}, "sizes": ["s", "m"]},
            "consent": {"email": {"status": "granted", "at": "2025-01-02T03:04:05Z", "method": "form"}, "sms": "no"},
            "secret": "x",
        },
        {"E-Mail": "b@example.com", "lastname": "Lee", "consent": "yes", "city": None},
        {"email": "c@example.com", "consent": {"fax": "yes"}, "time_zone": "Mars/Base"},
        ["no object"],
        "",
        {"city": "nobody's"},
        {"email": "d@example.com", "long": "x" * 66_000},
    ]  # fmt: skip
    odd = ('{"email": "e@example.com", "x": "\\ud800"}', '{"email": "f@example.com", "x": 1e999}', "{" * 2000)
    content = "\n".join([*(json.dumps(line) if line else "" for line in lines), *odd])

    job = imported(world, gzip.compress(content.encode()), mapping={"secret": None, "city": "town"})

    assert (job["format"], totals(job)) == ("json_lines", (9, 2, 0, 0, 7))
    found = people(world)
    ann = found["a@example.com"]
    assert (ann["first_name"], ann["external_id"], ann["tags"]) == ("Ann", 7, ["news", "vip"])
    assert ann["attributes"] == {"seats": 12, "plan": {"name": "gold"}, "sizes": ["s", "m"], "town": "Rome"}
    said = ann["consent"]
    assert (said["email"]["at"], said["email"]["method"]) == ("2025-01-02T03:04:05.000Z", "form")
    assert said["sms"]["status"] == "revoked"
    assert found["b@example.com"]["consent"]["email"]["status"] == "granted"
    lines_back = list(csv.reader(io.StringIO("\n".join(rejected(job)))))
    assert [line[:2] for line in lines_back[1:]] == [
        ["3", "consent; time_zone"], ["4", "row"], ["6", "row"], ["7", "attributes"], ["8", "row"], ["9", "row"],
        ["10", "row"],
    ]  # fmt: skip
    assert json.loads(lines_back[1][3])["email"] == "c@example.com"


def test_the_report_says_what_was_carried_over_and_what_was_not(world: World) -> None:
    job = imported(
        world,
        "email,First Name,city,secret,,phone\na@example.com,Ann,Rome,x,,\nb@example.com,Bob,,y,z,12\n"
        "c@example.com,,Bonn,,,\n",
        mapping={"secret": None},
    )

    carried = {(line["source"], line["target"]): line["rows"] for line in job["report"]["carried_over"]}
    assert carried == {("email", "email"): 2, ("First Name", "first_name"): 1, ("city", "attributes.city"): 2}
    left = {(line["source"], line["rows"]) for line in job["report"]["left_out"]}
    assert left == {("secret", 1), ("phone", 1)}
    assert any("row rejected: is not a telephone number" in line["reason"] for line in job["report"]["left_out"])


def test_known_people_are_merged_skipped_or_overwritten(world: World) -> None:
    first = "email,first_name,last_name,city,plan,tags\na@example.com,Ann,Lee,Rome,gold,x\n"
    again = "email,first_name,last_name,city,tags\na@example.com,,Ray,,y\nA@example.com,Anna,,,z\n"
    seen = {}
    for mode in ("merge", "skip", "overwrite"):
        tenant = "acme" if mode == "merge" else mode
        if tenant not in world.keys:
            world.keys[tenant] = world._tenant(tenant)
        imported(world, first, tenant, consent={"email": {"status": "granted"}})
        job = imported(world, again, tenant, on_duplicate=mode)
        found = people(world, tenant)["a@example.com"]
        seen[mode] = [found[name] for name in ("first_name", "last_name", "attributes", "tags")]
        assert found["consent"]["email"]["status"] == "granted"
        assert job["created"] == 0

    assert seen["merge"] == ["Anna", "Ray", {"city": "Rome", "plan": "gold"}, ["x", "y", "z"]]
    assert seen["skip"] == ["Ann", "Lee", {"city": "Rome", "plan": "gold"}, ["x"]]
    assert seen["overwrite"] == ["Anna", "Ray", {}, ["y", "z"]]


def test_a_file_is_looked_at_before_it_is_imported(world: World) -> None:
    import_id = prepared(world, "Kontakt;Vorname;Stadt\nA@example.com;Ann;Köln\n", tags=["fair"])

    seen = world.call("contacts.preview_import", path={"import_id": import_id}).data

    assert (seen["format"], seen["encoding"], seen["delimiter"]) == ("csv", "utf-8", ";")
    assert [column["target"] for column in seen["columns"]] == [
        "attributes.Kontakt", "attributes.Vorname", "attributes.Stadt",
    ]  # fmt: skip
    assert seen["rows"] == [["A@example.com", "Ann", "Köln"]]
    assert "Map a column to one" in seen["failure"]
    mapping = {"Kontakt": "email", "Vorname": "first_name", "Stadt": "attributes.city"}
    world.call("contacts.start_import", path={"import_id": import_id}, body={"mapping": mapping})
    world.settle()
    (ann,) = people(world).values()
    assert (ann["email"], ann["first_name"]) == ("A@example.com", "Ann")
    assert (ann["attributes"], ann["tags"]) == ({"city": "Köln"}, ["fair"])
    empty = world.call("contacts.create_import", body={"file_name": "x.csv"}).data["id"]
    refused = world.call("contacts.preview_import", path={"import_id": empty})
    assert (refused.status, refused.body["error_code"]) == (409, "FILE_MISSING")


def test_a_packed_file_goes_on_in_its_middle(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST_ROWS", 4)
    monkeypatch.setattr(slices, "GROUP", 2)
    parts = ["email\n", *(f"p{n}@example.com\n" for n in range(9))]

    job = imported(world, b"".join(gzip.compress(part.encode()) for part in parts))

    assert totals(job) == (9, 9, 0, 0, 0)
    assert set(people(world)) == {f"p{n}@example.com" for n in range(9)}
    stored = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [found["Key"].rsplit("/", 1)[-1] for found in stored] == ["upload.csv"]


def peak_memory(rows: int, packed: bool) -> int:
    """The most bytes that are held at once while a file of so many rows is read and understood."""

    def pieces() -> Iterator[bytes]:
        yield b"email,first_name,plan,city\n"
        for n in range(0, rows, 500):
            yield b"".join(b"p%d@example.com,Ann,gold,%s\n" % (row, b"Rome" * 30) for row in range(n, n + 500))

    def packing() -> Iterator[bytes]:
        yield from (gzip.compress(piece, 1) for piece in pieces())

    source = packing if packed else pieces
    context = Context({}, datetime(2026, 1, 1, tzinfo=UTC), "people.csv", lambda: None)
    tracemalloc.start()
    laid = layout.find(source())
    meaning, number = laid.meaning({}), 0
    for record in laid.records(source() if packed else encodings.behind(source(), laid.offset), laid.offset):
        said = meaning.read(record.cells, context)
        assert said is not None and not said.problems
        number += 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert number == rows
    return peak


@pytest.mark.parametrize("packed", [False, True])
def test_memory_does_not_grow_with_the_file(packed: bool) -> None:
    """Both files are larger than what is looked at first (256 KB)."""
    few, many = peak_memory(2_000, packed), peak_memory(4_000, packed)

    assert many < 1.1 * few
    assert many < 4 << 20


def test_who_has_confirmed_elsewhere_is_not_asked_again(world: World) -> None:
    world.call(
        "contacts.create_contact", body={"email": "old@example.com", "consent": {"email": {"status": "granted"}}}
    )
    content = (
        "email,consent,confirmed,consent_at,consent_source,consent_method\n"
        "sure@example.com,yes,yes,2024-05-06T07:08:09Z,fair,signed form\n"
        "unsure@example.com,yes,,,,\n"
        "unsure@example.com,yes,,,,\n"
        "never@example.com,no,,,,\n"
        "silent@example.com,,,,,\n"
        "old@example.com,yes,no,,,\n"
    )

    job = imported(world, content, double_opt_in=True)

    assert (totals(job), job["asked_to_confirm"]) == ((6, 4, 1, 1, 0), 2)
    said = {key: contact["consent"].get("email") for key, contact in people(world).items()}
    sure = said["sure@example.com"]
    assert [sure[name] for name in ("status", "at", "source", "method")] == [
        "granted", "2024-05-06T07:08:09.000Z", "fair", "signed form",
    ]  # fmt: skip
    assert said["unsure@example.com"]["status"] == "pending"
    assert said["never@example.com"]["status"] == "revoked"
    assert said["silent@example.com"] is None
    assert said["old@example.com"]["status"] == "granted"
    assert {address for address in said if opt_in.find("ten_acme", address)} == {"unsure@example.com"}

    imported(world, content.replace("unsure@example.com,yes,,,,", "unsure@example.com,yes,yes,,,by post", 1))
    found = people(world)["unsure@example.com"]["consent"]["email"]
    assert (found["status"], found["method"]) == ("granted", "by post")
    imported(
        world, "email\nall@example.com\n", double_opt_in=True,
        consent={"email": {"status": "granted", "source": "shop", "confirmed": True}},
    )  # fmt: skip
    found = people(world)["all@example.com"]["consent"]["email"]
    assert (found["status"], found["source"], found["method"]) == ("granted", "shop", "double_opt_in")
    assert opt_in.find("ten_acme", "all@example.com") is None


def test_consent_is_carried_as_our_own_exports_say_it(world: World) -> None:
    """Each channel has its own evidence, and nobody becomes confirmed by another channel or by the file's consent."""
    post = {"status": "granted", "at": "2025-01-02T03:04:05.000Z", "source": "form", "method": "post"}
    text = {"status": "granted", "at": "2026-01-02T03:04:05.000Z", "source": "till", "method": "double_opt_in"}
    sure = {**post, "method": "double_opt_in"}
    lines = [
        {"email": "a@example.com", "consent": {"email": post, "sms": {**text, "confirmed": True}}},
        {"email": "b@example.com", "consent": {"email": sure}},
        {"email": "c@example.com", "consent": {"email": {**post, "status": "pending"}}},
        {"email": "d@example.com", "consent": {"email": {**post, "status": "expired"}}},
    ]
    granted = {"email": {"status": "granted"}}
    content = "\n".join(map(json.dumps, lines))

    job = imported(world, content, double_opt_in=True, consent=granted)

    assert (totals(job), job["asked_to_confirm"]) == ((4, 4, 0, 0, 0), 2)
    said = {address[0]: contact["consent"] for address, contact in people(world).items()}
    assert said["a"] == {"email": {**post, "status": "pending"}, "sms": text}
    assert said["b"] == {"email": sure}
    assert (said["c"]["email"]["status"], said["d"]) == ("pending", {})

    table = (
        "email,email_consent,email_consent_at,email_consent_source,email_consent_method,sms_consent,sms_consent_at\n"
        f"a@example.com,granted,{post['at']},form,post,granted,{text['at']}\nc@example.com,pending,,,,,\n"
    )
    job = imported(world, table, tenant="globex", consent=granted)
    found = people(world, "globex")
    assert (found["a@example.com"]["consent"]["email"], found["a@example.com"]["attributes"]) == (post, {})
    assert found["a@example.com"]["consent"]["sms"]["at"] == text["at"]
    assert (totals(job), found["c@example.com"]["consent"]) == ((2, 2, 0, 0, 0), {})


def test_everybody_in_a_file_can_be_put_into_a_static_segment(world: World) -> None:
    body = {"name": "Fair", "criteria": {"city": "nowhere"}, "dynamic": False}
    fair = world.call("segments.create_segment", body=body).data["id"]
    follows = world.call("segments.create_segment", body={"name": "Follows", "criteria": {"city": "Rome"}}).data["id"]
    world.settle()
    imported(world, "email\nold@example.com\n")

    imported(world, "email\nold@example.com\nnew@example.com\nbroken\n", segment_id="fair", on_duplicate="skip")

    members = world.call("segments.list_members", path={"segment_id": fair}).data["items"]
    assert {one["contact"]["email"] for one in members} == {"old@example.com", "new@example.com"}
    for wanted, code in ((follows, "SEGMENT_IS_DYNAMIC"), ("nobody", "NOT_FOUND")):
        refused = world.call("contacts.create_import", body={"file_name": "x.csv", "segment_id": wanted})
        assert refused.body["error_code"] == code
    import_id = started(world, "email\nlate@example.com\n", segment_id=fair)
    world.call("segments.delete_segment", path={"segment_id": fair})
    world.settle()
    job = world.call("contacts.get_import", path={"import_id": import_id}).data
    assert (job["state"], job["created"], left_out(job)) == ("done", 1, {"segment_id"})


def left_out(job: dict[str, Any]) -> set[str]:
    return {line["source"] for line in job["report"]["left_out"]}
