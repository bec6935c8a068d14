"""Broken on purpose: the chunk is written first, and its members are moved in writes of their own. Who dies between
them, or is overtaken, leaves a chunk whose members are handed over again."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from drumbeat.journeys import acting
from drumbeat.table import Transaction, TransactionRefused

from tests.simulation import edge


class Apart(Transaction):
    """A transaction whose chunks are committed before everything else, which is committed one by one."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks, self._moves = Transaction(), list[Transaction]()

    def create(self, entity: Any) -> "Apart":
        self._chunks.create(entity)
        return self

    def update(self, *args: Any, **more: Any) -> "Apart":
        self._moves.append(Transaction().update(*args, **more))
        return self

    def commit(self) -> None:
        self._chunks.commit()
        for move in self._moves:
            with suppress(TransactionRefused):
                move.commit()


@contextmanager
def broken() -> Iterator[None]:
    """Not together."""
    with edge.instead(acting, Transaction=Apart):
        yield
