"""An older worker erases nothing that a newer one wrote: items that are there are changed by naming what changes, and
who writes a whole item over another one says here why nothing can get lost."""

import re
from datetime import UTC, datetime
from typing import Any

from drumbeat import table
from drumbeat.contacts import suppressions
from drumbeat.contacts.suppressions import Suppression
from drumbeat.segments.model import Member

from tests.harness import ROOT
from tests.world import World

LAYER = ROOT / "layers/drumbeat/python/drumbeat"
# Puts of whole items: `save`, a transaction's `put`, and batches.
WRITES = re.compile(r"\.save\(|\bput_many\(|\bwrite_many\((?!deletes)|(?:transaction|writing)\.put\(")
EVENT = "its rows follow from an event, whose id is in their keys"
WHOLE = "its row is what was said last, as a whole: nothing of the one before is meant to stay"
DERIVED = "its row is computed from others, by whoever comes next as well"
NEW = "its keys are new"
REASONS = {
    "table/entity.py": "`create` and `save` themselves", "table/batches.py": "the batches themselves",
    "table/transactions.py": "`create` itself",
    "activity/recording.py": EVENT, "feedback/applying.py": EVENT, "feedback/opt_outs.py": EVENT,
    "feedback/replies.py": EVENT,
    "sends/delivering.py": EVENT, "sends/settling.py": EVENT, "segments/history.py": EVENT,
    "contacts/consent.py": WHOLE, "marketing/planning.py": WHOLE, "privacy/asking.py": WHOLE,
    "journeys/measuring.py": DERIVED,
    "journeys/wakes.py": "its rows say that somebody may wait there, and nothing else",
    "feedback/certificates.py": DERIVED, "sends/rollups.py": DERIVED, "deliverability/reputation.py": DERIVED,
    "accounts/users.py": DERIVED, "contacts/suppressions.py": DERIVED, "segments/model.py": DERIVED,
    "deliverability/hygiene/walking.py": NEW, "segments/changes.py": NEW, "templates/model.py": NEW,
    "segments/static_lists.py": NEW, "privacy/holdings.py": "it only deletes",
    "segments/membership.py": "it keeps what it does not know (`keep_unknown`)",
}  # fmt: skip


def test_whoever_writes_whole_items_has_a_reason() -> None:
    found = {str(file.relative_to(LAYER)) for file in LAYER.rglob("*.py") if WRITES.search(file.read_text())}

    assert found - set(REASONS) == set(), "change the items that are there, or say in REASONS why nothing gets lost"


def add(item: tuple[str, str], **values: str) -> None:
    """What a later release puts into an item."""
    actions = [table.UnicodeAttribute(attr_name=name).set(value) for name, value in values.items()]
    table.connection().update_item(*item, actions=actions)


def stored(item: tuple[str, str]) -> Any:
    return table.connection().get_item(*item, consistent_read=True).get("Item")


def test_a_member_that_is_evaluated_again_keeps_what_a_later_release_knows(world: World) -> None:
    criteria = {"logic": "AND", "conditions": [{"field": "email", "operator": "is_set"}]}
    segment = world.call("segments.create_segment", body={"name": "All", "criteria": criteria}).data["id"]
    contact = world.call("contacts.create_contact", body={"email": "rina@mail.example"}).data["id"]
    world.settle()
    key = Member.key("ten_acme", segment, contact)
    add(key, loyalty="gold")

    world.call("contacts.update_contact", path={"contact_id": contact}, body={"first_name": "Rina"})
    world.settle()

    assert stored(key)["loyalty"] == {"S": "gold"} and stored(key)["name"] == {"S": "rina"}
    before = stored(key).get("att")
    world.call("contacts.update_contact", path={"contact_id": contact}, body={"city": "Dhaka"})
    world.settle()
    assert stored(key).get("att") == before  # nothing that this release knows of has changed


def test_a_suppression_that_becomes_wider_keeps_it_too(world: World) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    key = Suppression.key("ten_acme", "rina@mail.example")
    suppressions.suppress("ten_acme", "rina@mail.example", "marketing", "complaint", "snd_1", at)
    add(key, evidence="kept")

    suppressions.suppress("ten_acme", "rina@mail.example", "all", "hard_bounce", None, at)
    again = suppressions.suppress("ten_acme", "rina@mail.example", "marketing", "complaint", "snd_2", at)

    assert (again.scope, again.reason) == ("all", "hard_bounce")
    assert stored(key)["evidence"] == {"S": "kept"} and "source" not in stored(key)
