"""Importing contacts from CSV files: dirt, duplicates, and dying midway."""

import csv
import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import boto3
import pytest
from drumbeat import clock, table
from drumbeat.contacts.imports import slices
from drumbeat.contacts.imports.model import Import

from tests.unit.contacts.files import imported, people, prepared, rejected, started, totals
from tests.world import World

HEADER = "email,first_name,phone,plan,consent\n"


def test_a_file_becomes_contacts(world: World) -> None:
    job = imported(
        world,
        "E-Mail;First Name;phone;tags;time_zone;Country;seats;since;active;code;consent;consent_at;consent_source\r\n"
        "Jörg@Example.com;Jörg;+49 30 1234567;vip|news;Europe/Berlin;de;"
        "12;2024-05-01;true;007;yes;2025-01-02T03:04:05Z;fair\r\n"
        '"রহিমা@example.com";"রহিমা, ""R""";;;;;;;;;no;;\r\n'
        ";;017;;;;;;;;;;\r\n"
        "plain@example.com;two\r\n",
    )

    assert job["state"] == "done"
    assert totals(job) == (4, 3, 0, 0, 1)
    found = people(world)
    joerg = found["Jörg@example.com"]
    assert joerg["first_name"] == "Jörg"
    assert joerg["phone"] == "+49301234567"
    assert joerg["tags"] == ["news", "vip"]
    assert (joerg["time_zone"], joerg["country"]) == ("Europe/Berlin", "DE")
    assert joerg["attributes"] == {"seats": 12, "since": "2024-05-01", "active": True, "code": "007"}
    said = joerg["consent"]["email"]
    assert (said["status"], said["source"], said["method"]) == ("granted", "fair", "import")
    assert said["at"] == "2025-01-02T03:04:05.000Z"
    assert found["রহিমা@example.com"]["first_name"] == 'রহিমা, "R"'
    assert found["রহিমা@example.com"]["consent"]["email"]["status"] == "revoked"
    assert found["plain@example.com"]["consent"] == {}
    assert job["bytes_read"] == job["bytes_total"]


def test_bad_rows_are_named_and_the_others_go_on(world: World) -> None:
    job = imported(
        world,
        "email,phone,time_zone,note\n"
        "=cmd@bad,12,Mars/Base,=1+1\n"
        "good@example.com,,,\n"
        "x@example.com,,,a,too,many\n"
        ",,,nobody\n"
        "\n"
        ",,,\n"
        '"open@example.com,,,never closed\n'
        "\u00fcber@example.com,,,ok\n",
    )

    assert totals(job) == (6, 2, 0, 0, 4)
    assert job["errors"] == f"/v1/imports/{job['id']}/errors"
    lines = list(csv.reader(io.StringIO("\n".join(rejected(job)))))
    assert lines[0] == ["row", "field", "message", "email", "phone", "time_zone", "note"]
    assert lines[1][:2] == ["2", "email; phone; time_zone"]
    assert lines[1][3] == "'=cmd@bad"
    assert lines[1][6] == "'=1+1"
    assert [line[:2] for line in lines[2:]] == [["4", "row"], ["5", "row"], ["7", "row"]]
    assert "never closed" in lines[4][2]
    link = world.call("contacts.get_import_errors", path={"import_id": job["id"]}).data
    assert link["rows"] == 4
    assert link["complete"] is True
    assert f"imports/ten_acme/{job['id']}/rejected.csv" in link["url"]


def test_a_damaged_row_of_a_utf_8_file_is_rejected_alone(world: World) -> None:
    content = HEADER.encode() + "a@example.com,J\xf6rg\n".encode("latin-1") + "b@example.com,Zo\xeb\n".encode()

    job = imported(world, content)

    assert totals(job) == (2, 1, 0, 0, 1)
    assert job["encoding"] == "utf-8"
    assert "UTF-8" in rejected(job)[1]


UNREADABLE: list[tuple[str | bytes, str]] = [
    ("name,plan\nx,y\n", "email, phone or external_id"),
    ("", "header"),
    ("\n\n", "header"),
    ("email,plan,plan\nx,y,z\n", "two columns for attributes.plan"),
    ("email,E-Mail\nx,y\n", "two columns for email"),
    ("email\n".encode("utf-32"), "UTF-32"),
    (gzip.compress(b"email\na@example.com\n")[:-9], "gzip"),
    ('[\n{"email": "a@example.com"}\n]\n', "a line of its own"),
    ("email,name\rx,y\r", "line ends"),
    ("email," + "n" * 65 + "\n", "64 characters"),
    ("email," + ",".join(f"c{n}" for n in range(250)) + "\n", "250 columns"),
    (b"email\n" + b"x" * (1 << 20) + b"yy", "1 MB"),
]


def test_a_file_that_cannot_be_read_fails_with_the_reason(world: World) -> None:
    for content, reason in UNREADABLE:
        job = imported(world, content)

        assert job["state"] == "failed"
        assert reason in job["failure"]
        assert job["errors"] is None


def test_what_was_imported_before_the_file_broke_is_counted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "GROUP", 20)
    rows = "".join(f"p{n}@example.com,{'x' * 6000}\n" for n in range(60))

    job = imported(world, gzip.compress(f"email,x\nbroken,\n{rows}".encode())[:-9])

    assert (job["state"], job["rejected"]) == ("failed", 1)
    assert job["created"] == len(people(world)) >= 39
    assert rejected(job)[1].startswith("2,email")


def test_a_bom_and_tabs_are_understood(world: World) -> None:
    job = imported(world, b"\xef\xbb\xbfemail\tcity\na@example.com\tD\xc3\xbcsseldorf\n")

    assert totals(job) == (1, 1, 0, 0, 0)
    assert people(world)["a@example.com"]["attributes"] == {"city": "Düsseldorf"}


def test_line_breaks_in_quotes_belong_to_the_cell(world: World) -> None:
    job = imported(world, 'email,note\na@example.com,"one\ntwo, ""three"""\nb@example.com,x')

    assert totals(job) == (2, 2, 0, 0, 0)
    assert people(world)["a@example.com"]["attributes"] == {"note": 'one\ntwo, "three"'}


def test_columns_can_be_mapped(world: World) -> None:
    job = imported(
        world,
        "Kontakt,Stadt,secret\nA@example.com,Köln,x\n",
        mapping={"Kontakt": "email", "Stadt": "city", "secret": None},
    )

    assert job["state"] == "done"
    assert people(world)["A@example.com"]["attributes"] == {"city": "Köln"}
    assert imported(world, "email\nx@example.com\n", mapping={"nope": "email"})["state"] == "failed"


def test_the_whole_file_can_have_consent_and_a_row_can_say_otherwise(world: World) -> None:
    imported(
        world,
        "email,consent\na@example.com,\nb@example.com,no\nc@example.com,perhaps\n",
        consent={"email": {"status": "granted", "source": "shop"}, "sms": {"status": "granted"}},
    )

    found = people(world)
    assert set(found) == {"a@example.com", "b@example.com"}
    said = found["a@example.com"]["consent"]
    assert (said["email"]["status"], said["email"]["source"], said["email"]["method"]) == ("granted", "shop", "import")
    assert said["sms"]["source"] == "people.csv"
    assert found["b@example.com"]["consent"]["email"]["status"] == "revoked"


def test_an_import_never_brings_back_who_opted_out(world: World) -> None:
    made = world.call("contacts.create_contact", body={"email": "a@example.com"}).data
    world.call("contacts.create_unsubscribe", body={"email": "a@example.com"})

    imported(world, "email,consent,city\nA@example.com,yes,Rome\n")

    after = world.call("contacts.get_contact", path={"contact_id": made["id"]}).data
    assert after["consent"]["email"]["status"] == "revoked"
    assert after["attributes"] == {"city": "Rome"}


def test_duplicates_are_merged_by_external_id_then_address(world: World) -> None:
    old = world.call("contacts.create_contact", body={"external_id": 7, "email": "old@example.com"}).data
    job = imported(
        world,
        "external_id,email,phone,first_name,tags\n"
        "7,new@example.com,,Old,\n"  # the known contact moves to a new address
        ",old@example.com,,Other,\n"  # which another person may then have
        ",NEW@example.com,+8801712345678,,x\n"  # the first again, by its new address
        "8,eight@example.com,,Eight,a\n"
        ",EIGHT@example.com,,,b\n"
        ",,+8801712345678,Seven,\n"
        "8,new@example.com,,,\n",  # two people in one row
    )

    assert totals(job) == (7, 2, 3, 1, 1)
    found = people(world)
    assert set(found) == {"new@example.com", "old@example.com", "eight@example.com"}
    assert found["new@example.com"]["id"] == old["id"]
    assert found["new@example.com"]["first_name"] == "Seven"
    assert found["new@example.com"]["external_id"] == 7
    assert found["new@example.com"]["phone"] == "+8801712345678"
    assert found["eight@example.com"]["tags"] == ["a", "b"]
    assert "belongs to another contact" in rejected(job)[1]


def test_people_who_move_to_other_addresses_are_written_together(world: World) -> None:
    def file(domain: str) -> str:
        return "external_id,email\n" + "".join(f"{n},p{n}@{domain}\n" for n in range(60))

    imported(world, file("old.example"))
    events, asked = table.connection().connection.client.meta.events, [0]

    def count(**_: Any) -> None:
        asked[0] += 1

    events.register("before-parameter-build.dynamodb", count, unique_id="count")
    try:
        job = imported(world, file("new.example") + ",p7@old.example\n8,p9@new.example\n")
    finally:
        events.unregister("before-parameter-build.dynamodb", unique_id="count")

    assert totals(job) == (62, 1, 60, 0, 1)
    assert {"p7@new.example", "p7@old.example", "p8@new.example"} <= set(people(world))
    assert asked[0] < 60


def test_duplicates_can_be_left_out(world: World) -> None:
    world.call("contacts.create_contact", body={"email": "a@example.com", "first_name": "Ann"})

    job = imported(
        world, "email,first_name\na@example.com,X\nb@example.com,Bob\nB@example.com,Y\n", on_duplicate="skip"
    )

    assert totals(job) == (3, 1, 0, 2, 0)
    assert {contact["first_name"] for contact in people(world).values()} == {"Ann", "Bob"}


def _dirty(rows: int) -> str:
    """A file with every kind of row."""
    lines = [HEADER]
    for n in range(rows):
        if n % 17 == 3:
            lines.append(f"not an address {n},X,,,\n")
        elif n % 11 == 5:
            lines.append(f"P{n - 3}@example.com,Again{n},,gold,yes\n")
        elif n % 7 == 2:
            lines.append(f'p{n}@example.com,"N\n{n}",+88017{n:08d},{n},no\n')
        else:
            lines.append(f"p{n}@example.com,N{n},,{n},yes\n")
    return "".join(lines)


def _state(world: World, tenant: str = "acme") -> dict[str, Any]:
    """All contacts without what depends on the run: ids and times."""
    return {
        key: {
            **{name: value for name, value in contact.items() if name not in ("id", "created_at", "updated_at")},
            "consent": {channel: said["status"] for channel, said in contact["consent"].items()},
        }
        for key, contact in people(world, tenant).items()
    }


class Killed(BaseException):
    """The function's process ends: nothing catches it."""


@contextmanager
def killed_at(operation: str, number: int, *, before: bool = False) -> Iterator[list[int]]:
    """The process dies at the n-th call of an operation: before it is sent, or when its answer arrives."""
    events = table.connection().connection.client.meta.events
    seen = [0]

    def strike(**_: Any) -> None:
        seen[0] += 1
        if seen[0] == number:
            raise Killed

    name = f"{'before-parameter-build' if before else 'after-call'}.dynamodb.{operation}"
    events.register(name, strike, unique_id="kill")
    try:
        yield seen
    finally:
        events.unregister(name, unique_id="kill")


# The updates are: the import runs, its header is known, and then one for each slice.
DEATHS = [
    ("TransactWriteItems", 1, False), ("TransactWriteItems", 2, True), ("TransactWriteItems", 4, False),
    ("UpdateItem", 3, True), ("UpdateItem", 3, False), ("UpdateItem", 4, True), ("UpdateItem", 4, False),
]  # fmt: skip


def test_dying_midway_loses_nothing_and_doubles_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST_ROWS", 30)
    monkeypatch.setattr(slices, "GROUP", 15)
    content = _dirty(50)
    undisturbed = imported(world, content)
    expected, lines = _state(world), rejected(undisturbed)
    assert min(totals(undisturbed)[n] for n in (1, 3, 4)) > 0

    for place, (operation, number, before) in enumerate(DEATHS):
        tenant = f"t{place}"
        world.keys[tenant] = world._tenant(tenant)
        import_id = started(world, content, tenant)
        with killed_at(operation, number, before=before) as seen:
            _run_until_done(world, {"tenant": f"ten_{tenant}", "import_id": import_id})

        job = world.call("contacts.get_import", path={"import_id": import_id}, tenant=tenant).data
        assert seen[0] >= number, "it did not die"
        assert job["state"] == "done"
        assert totals(job) == totals(undisturbed)
        assert _state(world, tenant) == expected
        assert rejected(job, tenant) == lines


def _run_until_done(world: World, state: dict[str, Any]) -> None:
    """What the machine does: rounds, and a round again after its function died."""
    for _ in range(10):
        with suppress(Killed):
            state = world.run("contacts.import_rows", state)
        if state.get("done"):
            return
    raise AssertionError("the import did not come to an end")


def test_a_slice_done_twice_by_two_machines_counts_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that lost its place finishes after another one that did the same slice."""
    monkeypatch.setattr(slices, "MOST_ROWS", 50)
    import_id = started(world, _dirty(120))
    state = {"tenant": "ten_acme", "import_id": import_id}
    world.run("contacts.import_rows", state)
    held = Import.fetch(*Import.key("ten_acme", import_id))
    assert held is not None
    world.run("contacts.import_rows", state)
    before = world.call("contacts.get_import", path={"import_id": import_id}).data

    done = slices._done(held, clock.business(), lambda tenant, segment, found: True)
    slices._note(held, done, clock.business())

    assert world.call("contacts.get_import", path={"import_id": import_id}).data == before
    world.settle()
    job = world.call("contacts.get_import", path={"import_id": import_id}).data
    assert job["rows"] == 120
    assert job["created"] == len(people(world))


def test_an_address_taken_between_looking_and_writing_is_a_duplicate(world: World) -> None:
    import_id = started(world, "email,first_name\na@example.com,Ann\nb@example.com,Bob\n")
    events = table.connection().connection.client.meta.events
    rivals = [{"email": "B@example.com", "last_name": "Lee"}]

    def rival(**_: Any) -> None:
        from drumbeat.contacts import model
        from drumbeat.contacts.views import NewContact

        if rivals:
            model.add("ten_acme", NewContact.model_validate(rivals.pop()), now=clock.business())

    events.register("before-parameter-build.dynamodb.TransactWriteItems", rival, unique_id="rival")
    try:
        world.run("contacts.import_rows", {"tenant": "ten_acme", "import_id": import_id})
    finally:
        events.unregister("before-parameter-build.dynamodb.TransactWriteItems", unique_id="rival")

    job = world.call("contacts.get_import", path={"import_id": import_id}).data
    assert totals(job) == (2, 1, 1, 0, 0)
    found = people(world)
    assert set(found) == {"a@example.com", "B@example.com"}
    assert (found["B@example.com"]["first_name"], found["B@example.com"]["last_name"]) == ("Bob", "Lee")


def test_the_same_file_in_two_tenants_makes_people_of_each(world: World) -> None:
    for tenant in ("acme", "globex"):
        job = imported(world, _dirty(60), tenant=tenant)
        assert job["created"] == len(people(world, tenant))
    assert not {c["id"] for c in people(world).values()} & {c["id"] for c in people(world, "globex").values()}
    for name in ("get_import", "start_import", "get_import_errors"):
        assert world.call(f"contacts.{name}", path={"import_id": job["id"]}).status == 404


def test_importing_a_file_again_changes_nothing(world: World) -> None:
    content = _dirty(60)
    first = imported(world, content)
    before = people(world)

    again = imported(world, content)

    assert again["created"] == 0
    assert again["updated"] == first["created"] + first["duplicates"]
    names = ("first_name", "attributes", "tags", "phone", "created_at", "consent")
    assert {k: [c[n] for n in names] for k, c in people(world).items()} == {
        k: [c[n] for n in names] for k, c in before.items()
    }


def test_starting_needs_the_file_and_is_done_once(world: World) -> None:
    made = world.call("contacts.create_import", body={"file_name": "C:\\people.csv"}).data
    path = {"import_id": made["id"]}
    assert made["file_name"] == "people.csv"
    assert made["upload"]["headers"] == {"Content-Type": "text/csv"}
    assert f"imports/ten_acme/{made['id']}/upload.csv" in made["upload"]["url"]

    missing = world.call("contacts.start_import", path=path)
    assert (missing.status, missing.body["error_code"]) == (409, "FILE_MISSING")

    import_id = prepared(world, "email\na@example.com\n")
    first = world.call("contacts.start_import", path={"import_id": import_id})
    again = world.call("contacts.start_import", path={"import_id": import_id})
    assert (first.data["state"], again.data["state"]) == ("queued", "queued")
    early = world.call("contacts.get_import_errors", path={"import_id": import_id})
    assert (early.status, early.body["error_code"]) == (409, "IMPORT_NOT_FINISHED")
    machine = boto3.client("stepfunctions")
    arn = next(m["stateMachineArn"] for m in machine.list_state_machines()["stateMachines"] if "import" in m["name"])
    assert len(machine.list_executions(stateMachineArn=arn)["executions"]) == 1
    world.settle()
    assert world.call("contacts.start_import", path={"import_id": import_id}).data["state"] == "done"
    assert world.call("contacts.get_import_errors", path={"import_id": import_id}).status == 404
    assert world.call("contacts.list_imports").data["total_count"] == 2


def test_an_import_that_lost_its_machine_is_found_and_goes_on_where_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slices, "MOST_ROWS", 1)
    monkeypatch.setattr(slices, "GROUP", 1)
    import_id = started(world, "email\na@example.com\nb@example.com\n")
    key = Import.key("ten_acme", import_id)
    world.run("contacts.import_rows", {"tenant": "ten_acme", "import_id": import_id})
    assert world.run("contacts.sweep_imports")["result"]["imports"] == 0, "somebody works on it"
    Import.change_at(*key, Import.gsi2sk.set(clock.iso(clock.wall() - timedelta(seconds=1))))

    found = [world.run("contacts.sweep_imports")["result"]["imports"] for _ in range(2)]

    assert found == [1, 0]
    machine = boto3.client("stepfunctions")
    arn = next(m["stateMachineArn"] for m in machine.list_state_machines()["stateMachines"] if "import" in m["name"])
    names = {execution["name"] for execution in machine.list_executions(stateMachineArn=arn)["executions"]}
    assert names == {f"{import_id}-0", f"{import_id}-1"}
    world.settle()  # both machines work now
    job = world.call("contacts.get_import", path={"import_id": import_id}).data
    assert (job["state"], job["created"], len(people(world))) == ("done", 2, 2)
    Import.change_at(*key, Import.gsi2pk.set("DUE#imports#0"), Import.gsi2sk.set("2020"))
    assert world.run("contacts.sweep_imports")["result"]["imports"] == 0, "it is over"


def test_a_file_that_was_replaced_after_the_start_fails(world: World) -> None:
    import_id = started(world, "email\na@example.com\n")
    key = f"imports/ten_acme/{import_id}/upload.csv"
    boto3.client("s3").put_object(Bucket="drumbeat-data", Key=key, Body=b"email\nsomeone-else@example.com\n")

    world.settle()

    job = world.call("contacts.get_import", path={"import_id": import_id}).data
    assert (job["state"], job["rows"]) == ("failed", 0)


def test_an_idempotency_key_prepares_one_import(world: World) -> None:
    made = [
        world.call("contacts.create_import", body={"file_name": "people.csv"}, headers={"Idempotency-Key": "i1"})
        for _ in range(2)
    ]

    assert made[0].data["id"] == made[1].data["id"]
    assert world.call("contacts.list_imports").data["total_count"] == 1
