"""Two change the same template or block at once: what one of them has read is not true any more when it writes."""

from typing import Any

import pytest
from drumbeat.slugs import Slug
from drumbeat.templates import model
from drumbeat.templates.blocks import Block
from drumbeat.templates.model import Template

from tests.meanwhile import changed, quicker, stored, vanished
from tests.world import World

TENANT = "ten_acme"
SAID = {"name": "Eid", "subject": "Hi", "html": "<p>Hi</p>"}


def template(world: World, **more: Any) -> str:
    return str(world.call("templates.create_template", body={**SAID, **more}).data["id"])


def block(world: World, name: str = "greeting") -> tuple[str, str]:
    assert world.call("templates.create_block", body={"name": name, "html": "<p>Hello</p>"}).status == 201
    return Block.key(TENANT, name)


@pytest.mark.parametrize("att", ["known", None])
def test_two_changes_of_a_template_at_once_are_two_versions(world: World, att: str | None) -> None:
    key = Template.key(TENANT, template(world))
    changed(key, att=att, restored=1)

    with quicker(key, changed, version=7, name="Other"):
        after = world.call("templates.update_template", path={"template_id": key[0].split("#")[2]}, body={"html": "x"})

    assert (after.data["version"], after.data["name"]) == (8, "Other")


def test_a_template_that_is_changed_while_it_is_deleted_is_deleted_as_it_is_then(world: World) -> None:
    """Its new block does not keep it as a user."""
    greeting = block(world)
    made = template(world)
    changed(greeting, users={made})

    with quicker(Template.key(TENANT, made), changed, blocks=["greeting"]):
        assert world.call("templates.delete_template", path={"template_id": made}).status == 200

    assert not (stored(greeting) or {}).get("users")


def test_a_launch_with_a_template_that_is_gone_leaves_nothing_of_it(world: World) -> None:
    key = Template.key(TENANT, template(world))
    vanished(key)

    model.used(TENANT, key[0].split("#")[2])

    assert stored(key) is None


def test_two_changes_of_a_block_at_once_both_stay(world: World) -> None:
    key = block(world)
    theirs = {"name": "other", "html": "<p>Hello</p>", "languages": {"bn": {"html": "<p>হ্যালো</p>"}}}
    world.call("templates.create_block", body=theirs)
    other = stored(Block.key(TENANT, "other")) or {}

    with quicker(key, changed, body=other["body"], languages=["bn"]):
        after = world.call("templates.update_block", path={"name": "greeting"}, body={"html": "<p>Mine</p>"}).data

    assert (after["html"], list(after["variants"])) == ("<p>Mine</p>", ["bn"])


@pytest.mark.parametrize("meanwhile", ["used", "gone"])
def test_a_block_that_is_used_or_gone_by_now_is_not_deleted(world: World, meanwhile: str) -> None:
    key = block(world)
    made = template(world)

    with quicker(key, vanished) if meanwhile == "gone" else quicker(key, changed, users={made}):
        reply = world.call("templates.delete_block", path={"name": "greeting"})

    assert reply.status == (404 if meanwhile == "gone" else 409)


def test_a_block_that_is_deleted_while_a_template_takes_it_does_not_come_back(world: World) -> None:
    key = block(world)
    made = template(world)

    with quicker(key, vanished):
        body = {"html": "{% render 'greeting' %}"}
        reply = world.call("templates.update_template", path={"template_id": made}, body=body)

    assert (reply.status, stored(key)) == (409, None)


def test_a_block_that_is_gone_when_a_template_leaves_it_does_not_come_back(world: World) -> None:
    key = block(world)
    made = template(world, html="{% render 'greeting' %}")
    vanished(key)

    world.call("templates.update_template", path={"template_id": made}, body={"html": "<p>Hi</p>"})

    assert stored(key) is None


def test_a_template_that_is_made_again_is_the_stored_one(world: World) -> None:
    again = model.get(TENANT, template(world))
    again.name = "Other"

    assert model.add(again, None).name == "Eid"


def test_a_name_is_the_first_templates(world: World) -> None:
    first = template(world)
    second = world.call("templates.create_template", body=SAID).data
    third = template(world, name="Third")
    world.call("templates.update_template", path={"template_id": third}, body={"name": "Eid"})

    assert second["slug"] is None
    assert (stored(Slug.key(TENANT, "template", "Eid")) or {})["target"] == first


def test_a_block_that_is_there_is_not_made_again(world: World) -> None:
    block(world)

    assert world.call("templates.create_block", body={"name": "greeting", "html": "<p>Other</p>"}).status == 409
