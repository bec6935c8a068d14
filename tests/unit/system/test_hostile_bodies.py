"""No value in any field of any body is a fault of ours: over every endpoint that takes one, from the declarations.

Here each field meets one of the values, each time the next one; `python -m tests.soak hostile` tries them all.
"""

import itertools
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from drumbeat import table
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact

from tests import hostile
from tests.hostile import VALUES
from tests.unit.mail import provider
from tests.world import World, all_functions

# An item of more than 400 KB is refused by moto's table, in DynamoDB's words.
pytestmark = pytest.mark.moto
OF_A_FIELD = 1
EXAMPLES = hostile.examples()
CONTEXTS = sorted({example.function.split(".")[0] for example in EXAMPLES})


def test_every_endpoint_with_a_body_is_tried() -> None:
    """Forms of pages are no JSON, and have tests of their own."""
    routes = {
        name
        for name, function in all_functions().items()
        if function.declaration.kind == "http"
        and (function.declaration.route or "").split(" ")[0] in hostile.METHODS
        and getattr(function.entry, "rule", None)
        and function.entry.rule.body is not None  # type: ignore[attr-defined]
    }
    assert routes - {example.function for example in EXAMPLES} == set()


@pytest.mark.parametrize("context", CONTEXTS)
def test_no_value_of_a_field_is_a_fault_of_ours(world: World, tmp_path: Path, context: str) -> None:
    turn = itertools.cycle(sorted(VALUES, key=lambda name: zlib.crc32(f"{context} {name}".encode())))
    own = [example for example in EXAMPLES if example.function.startswith(f"{context}.")]
    wrong = [line for example in own if not example.simulated for line in hostile.walk(example, turn, OF_A_FIELD)]
    if simulated := [example for example in own if example.simulated]:
        with provider(tmp_path / "mail"):
            wrong += [line for example in simulated for line in hostile.walk(example, turn, OF_A_FIELD)]
    assert not wrong, "\n".join(wrong)


def test_the_walk_sees_what_is_wrong(world: World) -> None:
    """A fault, a value that changed on its way, a list of all that somebody sent."""
    example = next(one for one in EXAMPLES if one.function == "contacts.create_contact")
    here, request = example.prepared()
    reply = hostile.tried(here, example, request, ("first_name",), VALUES["empty object"])
    fault = type(reply)(500, {}, reply.text)
    changed = type(reply)(201, {}, '{"success": true, "data": {"first_name": "somebody else"}}')
    told = type(reply)(422, {}, reply.text.replace("first_name", hostile.SECRET * 2000))
    unnamed = type(reply)(422, {}, '{"message": "no", "error": {"code": "X", "message": "no", "details": []}}')

    assert hostile.problems(reply, ("first_name",), VALUES["empty object"]) == []
    assert hostile.problems(fault, ("first_name",), b"{}") == ["a fault: 500"]
    assert hostile.problems(changed, ("first_name",), b'"Ann"') == ["came back as 'somebody else'"]
    assert hostile.problems(changed, ("first_name",), b"NaN") == ["201 for what is no JSON"]
    assert len(hostile.problems(told, ("first_name",), b"{}")) == 2
    assert hostile.problems(unnamed, ("first_name",), b"{}") == ["a refusal that names no field"]


@pytest.mark.parametrize(
    ("name", "body", "field"),
    [
        ("campaigns.create_campaign", {"subject": "s", "html": "আ" * 290_000}, "html"),
        ("campaigns.create_campaign", {"subject": "s", "html": "x" * 290_000, "text": "y" * 99_000,
                                       "content": {str(n): "z" * 900 for n in range(60)}}, "body"),
        ("templates.create_template", {"subject": "s", "html": "আ" * 110_000}, "html"),
        ("contacts.create_contact", {"email": "a@b.example", "attributes": {"a": "আ" * 30_000}}, "attributes"),
    ],
)  # fmt: skip
def test_what_no_item_can_hold_is_refused_by_name(world: World, name: str, body: object, field: str) -> None:
    """400 KB are an item of the table; texts are counted as they are stored."""
    more = {"name": "x"} if name != "contacts.create_contact" else {}
    reply = world.call(name, body={**more, **body})  # type: ignore[dict-item]

    assert (reply.status, reply.refused) == (422, [field])
    assert " KB" in reply.text


def test_an_item_that_grows_too_large_is_no_fault_whoever_says_so(world: World) -> None:
    """DynamoDB says it of a put, of an update (which pynamodb wraps) and of a transaction, each in another way."""
    contact = contacts.get("ten_acme", world.call("contacts.create_contact", body={"email": "a@b.example"}).data["id"])
    large = {"x": "y" * 450_000}
    writes: tuple[Callable[[], object], ...] = (
        lambda: contact.change(Contact.attributes.set(large)),
        lambda: Contact.change_at(contact.pk, contact.sk, Contact.attributes.set(large)),
        lambda: table.Transaction().update(Contact, contact.pk, contact.sk, [Contact.attributes.set(large)]).commit(),
    )
    for write in writes:
        with pytest.raises(Exception) as caught:
            write()
        assert table.is_too_large(caught.value)
    assert not table.is_too_large(KeyError("Item size"))


def test_objects_do_not_grow_past_what_an_item_holds_by_small_changes(world: World) -> None:
    contact = world.call("contacts.create_contact", body={"email": "ann@example.com"}).data["id"]
    for number in range(3):
        reply = world.call(
            "contacts.update_contact",
            path={"contact_id": contact},
            body={"attributes": {f"k{number}": "x" * 60_000}},
        )

    assert (reply.status, reply.refused) == (422, ["attributes"])


def test_a_hundred_thousand_bad_fields_are_a_short_answer(world: World) -> None:
    """Lambda's answers end at 6 MB; a body of that size can have more bad fields than fit into one."""
    body = {"email": "ann@example.com", **{f"k{number}": 1 for number in range(100_000)}, "k" * 200_000: 1}
    reply = world.call("contacts.create_contact", body=body)

    assert reply.status == 422 and len(reply.refused) == 100
    assert len(reply.text) < hostile.LONGEST_REFUSAL


@pytest.mark.parametrize("route", ["POST /api/marketing/email/campaigns", "POST /api/v1/campaigns"])
@pytest.mark.parametrize("nothing", [0, False, "", [], 0.0])
def test_a_broken_filter_is_refused_and_does_not_become_everyone(world: World, route: str, nothing: object) -> None:
    """An audience is never wider than what was asked for."""
    if "marketing" in route:
        body = {"name": "n", "template_id": "t", "subject_line": "s", "target_audience": nothing}
    else:
        body = {"name": "n", "type": "email", "content": {"subject": "s", "body": "b"},
                "targetAudience": {"filters": nothing}}  # fmt: skip
    reply = world.call("campaigns.create_campaign", route=route, body=body)

    assert reply.status == 422
