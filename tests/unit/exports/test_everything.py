"""An export of everything: whatever a tenant has is in the archive, counted, and can be carried on elsewhere."""

import importlib
import json
import pkgutil
from typing import Any

import drumbeat
from drumbeat.exports.kinds import KINDS, NOT_EXPORTED, READS
from drumbeat.table import Entity

from tests.unit.campaigns.conftest import Shop
from tests.unit.contacts.files import imported, people
from tests.unit.exports.exported import exported, lines, unzipped
from tests.world import World

# What is someone's own when it is somewhere else: ids and times of being made.
OWN = ("id", "created_at", "updated_at", "segment_ids")


def entities() -> set[str]:
    """The types of everything that the table can hold."""
    for module in pkgutil.walk_packages(drumbeat.__path__, "drumbeat."):
        importlib.import_module(module.name)
    found, left = set(), [Entity]
    while left:
        for model in left.pop().__subclasses__():
            left.append(model)
            found |= {model.TYPE} - {""}
    return {kind for kind in found if not kind.startswith("TEST")}


def test_every_entity_is_exported_or_has_a_reason_not_to_be() -> None:
    exported_types = {model.TYPE for model in READS}

    forgotten = entities() - exported_types - set(NOT_EXPORTED)

    assert not forgotten, f"add a line to KINDS or NOT_EXPORTED of drumbeat/exports/kinds.py for {sorted(forgotten)}"
    assert not exported_types & set(NOT_EXPORTED)
    assert not set(NOT_EXPORTED) - entities(), "these are no entities any more"


def same_people(world: World, tenant: str) -> dict[str, Any]:
    return {
        name: {field: value for field, value in one.items() if field not in OWN}
        for name, one in people(world, tenant).items()
    }


def everyone(shop: Shop) -> str:
    """A tenant with a little of everything; gives its campaign."""
    world = shop.world
    shop.contact("ann@town.example", phone="+8801712345678", first_name="আনিকা", external_id=123, tags=["vip", "a b"],
                 attributes={"code": "007", "seats": 12, "plan": "=1+1", "address": {"city": "ঢাকা"}})  # fmt: skip
    shop.contact("bob@town.example", language="bn", time_zone="Asia/Dhaka", country="BD")
    shop.contact("silent@town.example", consent=None)
    shop.contact("revoked@town.example", consent="revoked")
    shop.segment("In town")
    campaign = shop.campaign()
    shop.launch(campaign)
    event = {"name": "purchase", "email": "ann@town.example", "properties": {"value": 12, "order_id": "o1"}}
    world.call("activity.record_events", body=event)
    world.call("contacts.create_suppression", body={"address": "stop@town.example"})
    world.call("contacts.create_unsubscribe", body={"email": "bob@town.example", "reason": "too_frequent"})
    world.settle()
    return campaign


def test_the_archive_has_all_that_the_tenant_has_and_people_can_be_carried_on(shop: Shop) -> None:
    world = shop.world
    campaign = everyone(shop)
    world.call("contacts.create_contact", body={"email": "foreign@globex.example"}, tenant="globex")

    files = unzipped(exported(world, kind="everything"))

    manifest = json.loads(files.pop("manifest.json"))
    assert {one["file"] for one in manifest["files"]} == set(files)
    for one in manifest["files"]:
        assert len(lines(files[one["file"]])) == one["rows"], one
    assert {one["kind"] for one in manifest["files"]} == {kind.name for kind in KINDS if not kind.alone}
    counted = {one["file"].split(".")[0]: one["rows"] for one in manifest["files"]}
    expected = {
        "contacts": 4, "contacts-to-import": 4, "members": 4, "recipients": 4, "suppressions": 1, "unsubscribes": 1,
        "segments": 1, "templates": 1, "campaigns": 1, "sends": 1, "account": 1,
    }  # fmt: skip
    assert {name: counted[name] for name in expected} == expected
    told = sorted(row["name"] for row in lines(files["timeline.jsonl"]))
    assert told.count("email.sent") == 2 and "purchase" in told
    (sent,) = lines(files["sends.jsonl"])
    assert sent["campaign"] == campaign and "Hello" in sent["content"]["html"]
    assert lines(files["segments.jsonl"])[0]["criteria"]["conditions"][0]["field"] == "email"
    whole = b"".join(files.values()).decode()
    assert "foreign@globex.example" not in whole
    assert "secret" not in whole and world.keys["acme"] not in whole

    job = imported(world, files["contacts-to-import.jsonl"], tenant="globex", file_name="people.jsonl")
    assert (job["created"], job["rejected"]) == (4, 0)
    before, after = same_people(world, "acme"), same_people(world, "globex")
    del after["foreign@globex.example"]
    for one in before.values():  # purchases are events, which an import of people does not have
        one.update({name: after[one["email"]][name] for name in one if name in PURCHASES})
    assert after == before


PURCHASES = (
    "customer_lifetime_value", "currency", "total_orders", "avg_order_value", "first_purchase_at", "last_purchase_at",
)  # fmt: skip
