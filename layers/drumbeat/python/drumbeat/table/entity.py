"""Entities: what an item of the table is, how it is written once and changed by condition."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar, Self, cast

from pynamodb.attributes import Attribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.constants import STRING
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from drumbeat import clock
from drumbeat.table import formats, tenancy
from drumbeat.table.batches import raw_many
from drumbeat.table.connection import TABLE, connection, fresh_attempt
from drumbeat.table.containers import Container


class InstantAttribute(Attribute[datetime]):
    """A moment, stored as ISO 8601 text in UTC with milliseconds: sorts in the order of time."""

    attr_type = STRING

    def serialize(self, value: datetime) -> str:
        return clock.iso(value)

    def deserialize(self, value: str) -> datetime:
        return clock.parse(value)


class Index(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # pynamodb does not type its hook
    """One of the table's indexes. They project keys only: an item's index copy costs one write unit, whatever its size,
    and readers fetch the items themselves, consistently."""


def index(number: int) -> Index:
    """Index 1 lists the entities of a tenant, index 2 finds due work, index 3 is for an entity's second listing."""
    attributes: dict[str, Any] = {
        "Meta": type("Meta", (), {"index_name": f"gsi{number}", "projection": KeysOnlyProjection()}),
        f"gsi{number}pk": UnicodeAttribute(hash_key=True),
        f"gsi{number}sk": UnicodeAttribute(range_key=True),
    }
    return cast(Index, type(f"Gsi{number}", (Index,), attributes)())


class Entity(Container, Model):
    """An item of the table. A subclass names its `TYPE`, the prefix of its keys, and gives them as static functions.

    `LEDGER` entities are never deleted by time; `INDEX_TYPES` are the prefixes of its index partitions, by index name.
    `FORMAT` and `UPGRADES` are for releases that must not mistake each other's items (drumbeat.table.formats).
    """

    class Meta:
        table_name = TABLE

    TYPE: ClassVar[str] = ""
    GLOBAL: ClassVar[bool] = False
    LEDGER: ClassVar[bool] = False
    INDEX_TYPES: ClassVar[dict[str, str]] = {}
    FORMAT: ClassVar[int] = formats.FIRST
    UPGRADES: ClassVar[Mapping[int, formats.Upgrade]] = {}

    _unknown: Mapping[str, Any] = {}

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    attempt = UnicodeAttribute(attr_name="att", null=True)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.GLOBAL:
            tenancy.everyones(cls.TYPE)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        return connection(cls)

    @classmethod
    def understood(cls, item: dict[str, Any]) -> dict[str, Any]:
        """A raw item as this release knows it. Raises NewerFormat when a later one wrote it."""
        if cls.FORMAT == formats.FIRST and formats.ATTRIBUTE not in item:
            return item
        return formats.understood(item, cls.__name__, cls.FORMAT, cls.UPGRADES)

    @classmethod
    def from_raw_data(cls, data: dict[str, Any]) -> Self:
        """The entity of a raw item. Raises NewerFormat."""
        return super().from_raw_data(cls.understood(data))

    def deserialize(self, attribute_values: dict[str, dict[str, Any]]) -> None:
        """What a change left, as this release knows it. The change is made, so nobody is told that the format is newer:
        who reads the item next is."""
        with suppress(formats.NewerFormat):
            attribute_values = self.understood(attribute_values)
        super().deserialize(attribute_values)

    def serialize(self, null_check: bool = True) -> dict[str, dict[str, Any]]:
        """The whole item, with its format above the first: an item of today costs nothing for it."""
        item = super().serialize(null_check)
        if self._unknown:
            item = {**self._unknown, **item}
        return item if self.FORMAT == formats.FIRST else {**item, formats.ATTRIBUTE: {"N": str(self.FORMAT)}}

    def keep_unknown(self, stored: dict[str, Any]) -> None:
        """Before this is written over the stored raw item: what a later release has put there stays there. Raises
        NewerFormat."""
        cls = type(self)
        known = {attribute.attr_name for attribute in cls.get_attributes().values()}
        self._unknown = {name: value for name, value in cls.understood(stored).items() if name not in known}

    @classmethod
    def mark(cls) -> Action:
        """The action by which a change makes an older item one of this release's format."""
        return NumberAttribute(attr_name=formats.ATTRIBUTE).set(cls.FORMAT)

    @classmethod
    def fetch(cls, pk: str, sk: str, *, consistent: bool = True) -> Self | None:
        """The item, or None. Reads are consistent unless the caller can live with a stale one at half the price."""
        data = cls._get_connection().get_item(pk, sk, consistent_read=consistent)
        item = data.get("Item")
        return cls.from_raw_data(item) if item else None

    def save(self, condition: Condition | None = None, *, add_version_condition: bool = False) -> dict[str, Any]:
        """Write the whole item. Only for items that are new, or whose content follows from their key; over others only
        after `keep_unknown`."""
        self.attempt = fresh_attempt()
        return super().save(condition, add_version_condition=add_version_condition)

    def create(self) -> None:
        """Write the item if no item has its key. Raises ConditionFailed with the one that has."""
        self.save(condition=type(self).pk.does_not_exist())

    def unchanged(self) -> Condition:
        """The condition that the item is there, and nobody wrote it (by condition) since this copy was read."""
        cls = type(self)
        same: Condition = cls.attempt == self.attempt if self.attempt else cls.attempt.does_not_exist()
        wanted: Condition = cls.pk.exists() & same
        return wanted

    def change(self, *actions: Action, condition: Condition | None = None, unchanged: bool = False) -> None:
        """Update the stored item and this copy of it. The item must exist.

        `unchanged` also requires that nobody wrote it (by condition) since this copy was read. Raises ConditionFailed.
        """
        wanted: Condition = self.unchanged() if unchanged else type(self).pk.exists()
        if condition is not None:
            wanted &= condition
        self.update(actions=list(actions), condition=wanted, add_version_condition=False)

    @classmethod
    def change_at(cls, pk: str, sk: str, *actions: Action, condition: Condition | None = None) -> dict[str, Any]:
        """Update an item that was not read (and, without a condition, may not exist); gives the raw item after it."""
        data = cls._get_connection().update_item(
            pk, sk, actions=list(actions), condition=condition, return_values="ALL_NEW"
        )
        return cast(dict[str, Any], data.get("Attributes", {}))

    @classmethod
    def many(cls, keys: Iterable[tuple[str, str]], *, consistent: bool = True) -> list[Self]:
        """The items of these keys that exist, in the order of the keys."""
        wanted = list(dict.fromkeys(keys))
        found = {(item.pk, item.sk): item for item in map(cls.from_raw_data, raw_many(wanted, consistent=consistent))}
        return [found[key] for key in wanted if key in found]
