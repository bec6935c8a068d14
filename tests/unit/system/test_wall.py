"""The wall between tenants in the product, and the one in the tests: each is shown rules that cross it."""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from drumbeat import files, lists, table
from drumbeat.accounts.model import ApiKey, Tenant
from drumbeat.bus import on
from drumbeat.contacts.model import Contact
from drumbeat.declare import Files, Function, Machine, Queue
from drumbeat.fields import Listing, Message
from drumbeat.http import Request, http
from drumbeat.limits import STANDARD
from drumbeat.logs import logger
from drumbeat.queue import queue
from drumbeat.segments.model import Segment
from drumbeat.table import Transaction, tenancy
from drumbeat.task import task

from tests import harness, twins
from tests import tenancy as held
from tests.harness import Reply
from tests.world import BUCKET, World, client

THEIRS = Contact.key("ten_globex", "con_1")
CROSSINGS: dict[str, Callable[[], Any]] = {
    "reads an item": lambda: Contact.fetch(*THEIRS),
    "reads many": lambda: Contact.many([Contact.key("ten_acme", "con_1"), THEIRS]),
    "reads a partition": lambda: list(table.rows(Contact, THEIRS[0])),
    "lists": lambda: list(table.keys_in_index(1, "SEGMENTS#ten_globex")),
    "counts": lambda: table.count("SEGMENTS#ten_globex", number=1),
    "goes on behind another's item": lambda: list(
        table.keys_in_index(1, "SEGMENTS#ten_acme", after=(*Segment.key("ten_globex", "x"), "x"))
    ),
    "lists all tenants": lambda: list(table.keys_in_index(1, "TENANTS#all")),
    "lists all due work": lambda: list(table.keys_in_index(2, "DUE#sends#0")),
    "reads all there is": lambda: table.connection().connection.client.scan(TableName=table.TABLE),
    "joins another's list": lambda: Segment.change_at(
        *Segment.key("ten_acme", "x"), Segment.gsi1pk.set("SEGMENTS#ten_globex"), Segment.gsi1sk.set("x")
    ),
    "joins another's list in a transaction": lambda: (
        Transaction()
        .update(Segment, *Segment.key("ten_acme", "x"), [Segment.gsi1pk.set("SEGMENTS#ten_globex")])
        .commit()
    ),
    "reads another account": lambda: Tenant.fetch(*Tenant.key("ten_globex")),
    "changes": lambda: Contact.change_at(*THEIRS, Contact.first_name.set("x")),
    "deletes": lambda: table.write_many(deletes=[THEIRS]),
    "changes in a transaction": lambda: (
        Transaction()
        .check(Contact, *Contact.key("ten_acme", "con_1"), Contact.pk.does_not_exist())
        .update(Contact, *THEIRS, [Contact.first_name.set("x")])
        .commit()
    ),
    "forgets the tenant": lambda: Contact.fetch("CONTACT#con_1", "CONTACT"),
    "forgets the tenant of a list": lambda: list(table.keys_in_index(1, "SEGMENTS#0")),
    "names a tenant that begins alike": lambda: Contact.fetch(*Contact.key("ten_acme2", "con_1")),
}


@pytest.fixture
def logged() -> Iterator[list[logging.LogRecord]]:
    """What is logged meanwhile."""

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    records: list[logging.LogRecord] = []
    held = logging.getLogger(logger.name)
    handler = Kept()
    held.addHandler(handler)
    yield records
    held.removeHandler(handler)


def rule(crossing: Callable[[], Any]) -> Function:
    """An endpoint that does it."""

    def handler(request: Request) -> dict[str, str]:
        crossing()
        return {}

    return http("GET /v1/crossing", scope="contacts:read", reads=(Contact,), limit=STANDARD)(handler)


def asked(world: World, function: Function) -> Reply:
    answer = function(harness.http_event("GET /v1/crossing", headers={"X-API-Key": world.keys["acme"]}), None)
    return Reply(answer["statusCode"], answer["headers"], answer["body"])


@pytest.mark.parametrize("name", CROSSINGS)
def test_a_rule_that_crosses_is_a_fault_and_does_nothing(
    world: World, name: str, logged: list[logging.LogRecord]
) -> None:
    before = twins.of("ten_globex")

    reply = asked(world, rule(CROSSINGS[name]))

    assert (reply.status, reply.body["error_code"]) == (500, "INTERNAL_ERROR")
    assert "globex" not in reply.text
    (fault,) = [str(record.exc_info[1]) for record in logged if record.levelname == "ERROR" and record.exc_info]
    assert fault.endswith("#… is not the work of ten_acme")  # no more of the key: it may be an address
    assert twins.of("ten_globex") == before


def test_a_token_decides_whose_work_it_is(world: World) -> None:
    """A page without a credential, from the moment that its token is known; before, nobody's work is done."""
    read: list[str] = []

    def handler(request: Request) -> dict[str, str]:
        Tenant.fetch(*Tenant.key("ten_globex"))
        read.append("before")
        tenancy.enter("ten_acme")
        Tenant.fetch(*Tenant.key("ten_acme"))
        read.append("after")
        Tenant.fetch(*Tenant.key("ten_globex"))
        read.append("another's")
        return {}

    page = http("GET /o/page", limit=STANDARD)(handler)

    for _ in range(2):  # and the next request begins anew
        assert page(harness.http_event("GET /o/page"), None)["statusCode"] == 500
    assert read == ["before", "after"] * 2
    assert Tenant.fetch(*Tenant.key("ten_globex")) is not None


def test_a_token_of_another_tenant_does_not_open_its_partitions_to_a_credential(world: World) -> None:
    def crossing() -> None:
        tenancy.enter("ten_globex")
        Contact.fetch(*THEIRS)

    assert asked(world, rule(crossing)).status == 500


def test_the_wall_is_down_after_the_request(world: World) -> None:
    assert asked(world, rule(lambda: None)).status == 200

    assert Tenant.fetch(*Tenant.key("ten_globex")) is not None
    tenancy.enter("ten_acme")  # outside of any request
    assert Tenant.fetch(*Tenant.key("ten_globex")) is not None
    with tenancy.only("ten_acme"), tenancy.only("ten_globex"):
        assert Tenant.fetch(*Tenant.key("ten_globex")) is not None


@pytest.mark.parametrize("name", ["reads an item", "changes", "forgets the tenant"])
def test_work_for_one_tenant_does_not_cross_either(world: World, name: str, logged: list[logging.LogRecord]) -> None:
    """A queue's message fails and comes again, to end as a dead letter; a machine's round and an event fail."""

    class Told(Message):
        tenant: str

    def of_message(message: Told) -> None:
        CROSSINGS[name]()

    def of_state(state: dict[str, Any]) -> dict[str, Any]:
        CROSSINGS[name]()
        return state

    before = twins.of("ten_globex")
    record = {"messageId": "m1", "body": '{"tenant": "ten_acme"}', "attributes": {}}
    failed = queue(Queue("crossing"))(of_message)({"Records": [record]}, None)
    frame = {"event_type": "x", "data": {}, "metadata": {"tenant_id": "ten_acme"}}

    assert failed == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert any("is not the work of ten_acme" in str(record.exc_info) for record in logged)
    with pytest.raises(tenancy.ForeignPartition):
        task(Machine("crossing"))(of_state)({"tenant": "ten_acme"}, None)
    with pytest.raises(tenancy.ForeignPartition):
        on("x")(of_state)({"detail-type": "x", "detail": frame}, None)
    assert twins.of("ten_globex") == before


def test_what_is_everyones_is_on_both_sides(world: World) -> None:
    """An API key is found before its tenant is known; an item of one's own may join the listing of due work."""

    def crossing() -> None:
        ApiKey.fetch(*ApiKey.key("globex0all"))
        contact = Contact(*Contact.key("ten_acme", "con_1"))
        raw = {"pk": {"S": contact.pk}, "sk": {"S": contact.sk}, "gsi2pk": {"S": "DUE#x#0"}, "gsi2sk": {"S": "1"}}
        table.connection().connection.client.put_item(TableName=table.TABLE, Item=raw)

    assert asked(world, rule(crossing)).status == 200


@pytest.fixture
def requests() -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """The requests to the table that are made meanwhile."""
    made: list[tuple[str, dict[str, Any]]] = []
    events = table.connection().connection.client.meta.events
    events.register(
        "before-parameter-build.dynamodb.*",
        lambda params, model, **_: made.append((model.name, params)),
        unique_id="requests",
    )
    yield made
    events.unregister("before-parameter-build.dynamodb.*", unique_id="requests")


@pytest.mark.parametrize("name", CROSSINGS)
def test_the_tests_own_look_catches_it_too(world: World, name: str, requests: list[tuple[str, dict[str, Any]]]) -> None:
    """Without the product's wall: nobody's work is not held to any tenant."""
    try:
        CROSSINGS[name]()
    except table.ConditionFailed:
        pass
    found = [one for operation, params in requests for one in held.foreign(operation, params, frozenset({"ten_acme"}))]

    assert found


def test_every_global_row_is_listed_where_keys_are_explained() -> None:
    listed = re.findall(r"^    ([A-Z]+) +\S", table.__doc__ or "", re.MULTILINE)

    assert sorted(listed) == sorted(held.everyones())


def test_an_update_that_joins_anothers_list_is_caught() -> None:
    update = {
        "Key": {"pk": {"S": "SEGMENT#ten_acme#x"}, "sk": {"S": "SEGMENT"}},
        "UpdateExpression": "SET #0 = :0, gsi2pk = :1",
        "ExpressionAttributeNames": {"#0": "gsi1pk"},
        "ExpressionAttributeValues": {":0": {"S": "SEGMENTS#ten_globex"}, ":1": {"S": "DUE#segments#0"}},
    }

    assert held.foreign("UpdateItem", update, frozenset({"ten_acme"})) == ["UpdateItem of SEGMENTS#ten_globex"]
    assert not held.foreign("UpdateItem", update, frozenset({"ten_globex", "ten_acme"}))


@pytest.mark.parametrize("operation", [files.download_link, files.size, files.read])
def test_a_file_of_another_tenant_is_caught(world: World, operation: Callable[..., Any]) -> None:
    """Links too, which ask nothing of S3 before somebody follows them."""
    declaration = rule(lambda: None).declaration
    folder = Files("exports")
    client("s3").put_object(Bucket=BUCKET, Key="exports/ten_globex/all.csv", Body=b"x")

    caught = pytest.raises(AssertionError, match=r"exports/ten_globex/all\.csv")
    with caught, harness.held_to(declaration, frozenset({"ten_acme"})):
        operation(folder, "ten_globex", "all.csv")
    with harness.held_to(declaration, frozenset({"ten_globex"})):
        operation(folder, "ten_globex", "all.csv")


def test_an_answer_with_anothers_data_is_caught(world: World) -> None:
    """The rules of tests/twins.py, shown answers as a broken endpoint would give them."""
    made = world.call("contacts.create_contact", tenant="globex", body={"email": "ann@town.example"}).data
    before = twins.of("ten_globex")
    reply = Reply(200, {}, f'{{"data": {{"email": "{made["email"]}"}}}}')

    with pytest.raises(AssertionError, match="has of globex"):
        twins.hold(reply, {}, before, "a list")
    with pytest.raises(AssertionError, match="which are globex's"):
        twins.hold(Reply(201, {}, "{}"), {"body": {"contact_id": made["id"]}}, before, "a reference")
    world.call("contacts.delete_contact", tenant="globex", path={"contact_id": made["id"]})
    with pytest.raises(AssertionError, match="of globex changed"):
        twins.hold(Reply(404, {}, "{}"), {}, before, "a deletion")


def test_a_list_takes_no_place_of_another_tenant() -> None:
    cursor = lists.encode((*Segment.key("ten_globex", "x"), "x"))

    with pytest.raises(Exception, match="not valid"):
        lists.page(Segment, ["SEGMENTS#ten_acme"], Listing.model_validate({"cursor": cursor}), total=lambda: 0)
