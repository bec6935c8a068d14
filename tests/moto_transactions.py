"""moto copies the whole table once for each action of a transaction: 99 copies to write 99 items. One is enough.

The copy is what moto goes back to when a condition fails; nothing is written between the copies, so they are all equal.
"""

import copy
from typing import Any

from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table

_plain_transaction = DynamoDBBackend.transact_write_items
_copies: dict[int, Any] = {}


def _snapshot(table: Any, memo: dict[int, Any]) -> Any:
    """The table with its own items and its own list of stream records (which never change)."""
    if id(table) not in _copies:
        held = copy.copy(table)
        held.items = copy.deepcopy(table.items, memo)
        if table.stream_shard:
            held.stream_shard = copy.copy(table.stream_shard)
            held.stream_shard.table, held.stream_shard.items = held, list(table.stream_shard.items)
        _copies[id(table)] = held
    return _copies[id(table)]


def _transaction(self: Any, transact_items: Any) -> None:
    _copies.clear()
    setattr(Table, "__deepcopy__", _snapshot)  # noqa: B010 - moto's class does not declare the hook
    try:
        _plain_transaction(self, transact_items)
    finally:
        delattr(Table, "__deepcopy__")
        _copies.clear()


def quicken() -> None:
    """Make moto's transactions take one copy each, from now on."""
    DynamoDBBackend.transact_write_items = _transaction  # type: ignore[method-assign]  # that is the point
