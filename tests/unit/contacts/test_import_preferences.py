"""Preferences in files: read from columns and from JSON lines, written by exports, and never older over newer."""

import json
from typing import Any

from tests.unit.contacts.files import imported, people, totals
from tests.unit.exports.exported import exported
from tests.world import World

AT = "2026-01-02T03:04:05.000Z"
TABLE = (
    "email,preferred_frequency,refused_categories,paused_until,preferences_updated_at\n"
    f"a@example.com,Weekly,offers;news,2026-02-01T00:00:00Z,{AT}\n"
    "b@example.com,,,,\n"
    "c@example.com,hourly,Not a slug!,soon,\n"
)


def shown(world: World, address: str, tenant: str = "acme") -> Any:
    return people(world, tenant)[address]["preferences"]


def test_columns_say_what_people_prefer_and_bad_ones_are_named(world: World) -> None:
    job = imported(world, TABLE)

    assert totals(job)[1] == 2 and job["rejected"] == 1
    assert shown(world, "a@example.com") == {
        "frequency": "weekly", "refused_categories": ["news", "offers"], "paused_until": "2026-02-01T00:00:00.000Z",
        "updated_at": AT,
    }  # fmt: skip
    assert shown(world, "b@example.com")["updated_at"] is None


def test_a_file_does_not_overrule_what_a_person_said_later(world: World) -> None:
    imported(world, TABLE)
    path = {"contact_id": people(world)["a@example.com"]["id"]}
    body = {"preferences": {"frequency": "monthly"}}
    later = world.call("contacts.update_contact", path=path, body=body).data["preferences"]

    imported(world, TABLE)
    assert shown(world, "a@example.com") == later

    imported(world, "email,preferred_frequency\na@example.com,daily\n")
    assert shown(world, "a@example.com")["frequency"] == "daily"
    assert shown(world, "a@example.com")["refused_categories"] == ["news", "offers"]


def test_an_export_carries_them_on_to_another_tenant(world: World) -> None:
    imported(world, TABLE)
    fields = ["email", "preferred_frequency", "refused_categories", "paused_until", "preferences_updated_at"]
    made = exported(world, kind="contacts", fields=fields, format="csv")
    assert "a@example.com,weekly," in made.decode() and "b@example.com,,," in made.decode()
    lines = exported(world, kind="contacts", fields=["email", "preferences"], format="jsonl").decode()
    assert json.loads(lines.splitlines()[0]).keys() == {"email", "preferences"}

    imported(world, lines, tenant="globex", file_name="people.jsonl")
    assert shown(world, "a@example.com", "globex") == shown(world, "a@example.com")
    assert shown(world, "b@example.com", "globex")["updated_at"] is None
