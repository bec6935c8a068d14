"""What earlier releases left behind goes on working: messages on queues (fourteen days with the dead letters), states
of executions (a year), inputs of schedules (messages, too), rows of the table, links in mails, sessions and keys.

`golden.json` has a sample of each as it was written by the release that first had it. A release that changes a format
adds a sample of the new one; what is there stays for as long as something of the kind can be under way, which is for
ever with rows, links and keys. A new queue or machine has no sample, and the first test asks for one.
"""

import base64
import functools
import importlib
import json
import os
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import drumbeat
import pytest
from drumbeat import clock, table
from drumbeat.accounts import passwords
from drumbeat.accounts.model import User
from drumbeat.activity import forwarding
from drumbeat.errors import NotFound
from drumbeat.feedback import facts, known
from drumbeat.sends import tokens
from drumbeat.sends.model import Place, Stat
from drumbeat.stream import Record
from drumbeat.table import Entity
from pydantic import TypeAdapter

from tests.world import World, all_functions

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parent / "golden.json").read_text())


def raw(item: dict[str, Any]) -> dict[str, Any]:
    """An item as DynamoDB gives it."""
    return {name: {"B": base64.b64decode(held["B"])} if "B" in held else held for name, held in item.items()}


ITEMS = [raw(item) for item in GOLDEN["items"]]


@functools.cache
def entities() -> dict[str, list[type[Entity]]]:
    """The entities of the layer by type."""
    found: dict[str, list[type[Entity]]] = {}
    for module in pkgutil.walk_packages(drumbeat.__path__, "drumbeat."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Entity) and kind.__module__ == module.name and kind.TYPE:
                found.setdefault(kind.TYPE, []).append(kind)
    return found


def messages() -> dict[str, TypeAdapter[Any]]:
    """What each queue's consumer reads."""
    return {f.declaration.queue.name: f.entry.message for f in all_functions().values() if f.declaration.queue}  # type: ignore[attr-defined]


def tasks() -> dict[str, str]:
    functions = [f.declaration for f in all_functions().values()]
    return {declared.machine.name: declared.name for declared in functions if declared.machine}


@pytest.fixture
def earlier(world: World) -> Iterator[World]:
    """A deployment with the rows of an earlier release."""
    for item in ITEMS:
        table.connection().connection._make_api_call("PutItem", {"TableName": table.TABLE, "Item": item})
    tokens.forget()
    known.forget()
    yield world
    tokens.forget()
    known.forget()


def test_there_is_a_sample_of_every_queue_and_machine() -> None:
    assert set(GOLDEN["queues"]) == set(messages()) and set(GOLDEN["machines"]) == set(tasks())


@pytest.mark.parametrize("queue", GOLDEN["queues"])
def test_messages_of_an_earlier_release_are_read_and_a_later_ones_too(queue: str) -> None:
    for message in GOLDEN["queues"][queue]:
        messages()[queue].validate_python(message)
        messages()[queue].validate_python({**message, "added_later": {"by": "a release to come"}})


def test_feedback_of_an_earlier_release_is_understood() -> None:
    found = [facts.read(message) for message in GOLDEN["queues"]["feedback"]]
    assert [fact and fact.kind for fact in found] == ["delivered", "bounced", "opened", "clicked"]


def test_an_execution_goes_on_from_the_state_that_it_had(earlier: World) -> None:
    """Also with what a later release added to the state. Work whose row is gone by now fails as it ever did."""
    for machine, states in GOLDEN["machines"].items():
        for state in [*states, *({**state, "added_later": 1} for state in states)]:
            with suppress(NotFound):
                after = earlier.run(tasks()[machine], state)
                assert isinstance(after.get("done", False), bool), after
                assert isinstance(after.get("wait_seconds", 0), int | float), after


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["pk"]["S"].split("#")[0])
def test_a_row_of_an_earlier_release_is_read_whole(item: dict[str, Any]) -> None:
    """Every attribute under its name and of its type: what is read and written again is what was there."""
    kinds = entities()[item["pk"]["S"].split("#")[0]]
    if kinds == [Stat]:
        sets = {name for name, held in item.items() if "NS" in held}
        assert {*Stat.sets_of(item), *Stat.sets_of(item, marks=True)} == sets
        return
    read = [kind.from_raw_data(item) for kind in kinds if kind.__name__ != "Erasures"]
    assert any(items_equal(table.raw(one), item) for one in read), read


def items_equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether all that is in the other item is in this one; this one may have defaults that were added since."""
    return all(_plain(one.get(name)) == _plain(held) for name, held in other.items())


def _plain(held: dict[str, Any] | None) -> Any:
    """An attribute's value, with what has several spellings in one: JSON, and sets."""
    if held is None:
        return None
    ((kind, value),) = held.items()
    if kind in ("SS", "NS"):
        return kind, sorted(value)
    if kind == "S" and value[:1] in "{[":
        return kind, json.loads(value)
    return kind, value


def test_a_link_in_an_earlier_mail_works(earlier: World) -> None:
    kept = GOLDEN["token"]

    target = tokens.verify(kept["text"])

    assert target is not None and target.number == kept["recipient"]
    assert target.place == Place("ten_acme", kept["send"], kept["shard"], kept["number"])


def test_a_session_a_key_and_a_password_of_an_earlier_release_let_people_in(earlier: World) -> None:
    session, user = GOLDEN["session"], User.key("ten_acme", GOLDEN["session"]["user"])
    User(
        *user, gsi1pk="USERS#ten_acme", gsi1sk="x", tenant="ten_acme", user=session["user"], number=1, state="active",
        email="rina@acme.example", name="Rina", role="admin", session=1, created_at=clock.wall(),
    ).create()  # fmt: skip
    os.environ["JWT_KEYS"] = json.dumps({"golden": session["key"]})

    for headers in ({"Authorization": f"Bearer {session['token']}"}, {"X-API-Key": GOLDEN["api_key"]}):
        assert earlier.call("campaigns.list_campaigns", tenant=None, headers=headers).status == 200
    assert passwords.matches(GOLDEN["password"]["hash"], GOLDEN["password"]["text"])


def test_an_event_on_its_way_is_published_as_it_was_meant() -> None:
    row = next(item for item in ITEMS if item["pk"]["S"].startswith("OUTBOX#"))
    frame, event_id = forwarding.FRAMERS["OUTBOX"](Record("INSERT", row["pk"]["S"], row["sk"]["S"], {}, row))
    wanted = GOLDEN["frames"]["marketing.campaign.launched"]

    assert {**frame, "metadata": {**frame["metadata"], "event_id": event_id}} == wanted
