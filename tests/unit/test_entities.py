"""Entities and their raw items: our quicker way between the two gives what pynamodb's gives, for every entity."""

from collections.abc import Iterator
from typing import Any

import pytest
from drumbeat import table
from drumbeat.sends.model import Chunk
from drumbeat.table import Entity
from drumbeat.templates.model import Template
from pynamodb.attributes import AttributeContainer
from pynamodb.constants import BINARY, BOOLEAN, LIST, NUMBER, NUMBER_SET, STRING, STRING_SET
from pynamodb.exceptions import AttributeNullError
from pynamodb.models import Model

from tests.world import all_functions

VALUES = {
    STRING: "2026-03-02T09:00:00.000Z", NUMBER: "7", BOOLEAN: True, BINARY: b"raw", LIST: [{"S": "one"}],
    NUMBER_SET: ["1", "2"], STRING_SET: ["a", "b"],
}  # fmt: skip


def entities(of: type[Entity] = Entity) -> Iterator[type[Entity]]:
    """All entities of the product: its functions import them."""
    all_functions()
    for one in of.__subclasses__():
        if one.__module__.startswith("drumbeat."):
            yield one
        yield from entities(one)


def item(entity: type[Entity]) -> dict[str, Any]:
    """A raw item with every attribute, and one that nobody knows."""
    filled = {
        one.attr_name: {one.attr_type: '{"a": 1}' if "JSON" in type(one).__name__ else VALUES[one.attr_type]}
        for one in entity.get_attributes().values()
    }
    return {**filled, "unknown": {"S": "x"}}


class Plain:
    """pynamodb's own way with an entity."""

    @staticmethod
    def read(entity: type[Entity], raw: dict[str, Any]) -> dict[str, Any]:
        made = entity.__new__(entity)
        AttributeContainer._container_deserialize(made, raw)
        return made.attribute_values

    @staticmethod
    def written(made: Entity) -> dict[str, Any]:
        return AttributeContainer._container_serialize(made)


def test_items_are_read_and_written_as_pynamodb_does() -> None:
    seen = 0
    for entity in set(entities()):
        raw = item(entity)
        made = entity.from_raw_data(raw)
        assert made.attribute_values == Plain.read(entity, raw), entity
        assert made._container_serialize() == Plain.written(made), entity
        only_keys = {"pk": {"S": "A#b"}, "sk": {"S": "C"}, "att": {"NULL": True}}
        assert entity.from_raw_data(only_keys).attribute_values == Plain.read(entity, only_keys), entity
        seen += 1
    assert seen > 50


def test_new_entities_have_their_defaults_and_no_others_attributes() -> None:
    chunk = Chunk("CHUNK#ten_acme#snd_1#0", "000000", state="pending", recipients=b"", outcomes="")
    assert chunk.attempts == 0 and chunk.sk == "000000" and chunk.claim is None
    with pytest.raises(ValueError, match="colour"):
        Chunk("CHUNK#ten_acme#snd_1#0", "000000", colour="red")
    with pytest.raises(AttributeNullError, match="recipients"):
        table.raw(Chunk("CHUNK#ten_acme#snd_1#0", "000000", state="pending", outcomes=""))


def test_defaults_are_made_anew_for_each() -> None:
    one, other = (Template("TEMPLATE#ten_acme#tpl_1", "TEMPLATE") for _ in range(2))
    one.variables.append("x")
    assert other.variables == [] and issubclass(Template, Model)
