"""Facts that must agree are written together, and what several may change at once is tried again."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self, TypeVar

from botocore.exceptions import ClientError
from pynamodb.exceptions import PynamoDBException
from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action

from drumbeat.table.batches import raw
from drumbeat.table.connection import ConditionFailed, client, fresh_attempt, stamp
from drumbeat.table.entity import Entity

MOST_IN_TRANSACTION = 100

T = TypeVar("T")


class TransactionRefused(Exception):
    """A condition in a transaction did not hold, so nothing of it was written.

    `found[i]` is the raw item that made action i fail (an empty dict when there was no item); None where it was fine.
    """

    def __init__(self, found: list[dict[str, Any] | None]) -> None:
        super().__init__("a condition of the transaction did not hold")
        self.found = found


class Transaction:
    """Facts that must agree: all are written, or none. At most 100 actions on different items.

    Conflicts with other transactions are tried again with full jitter; a failed condition raises TransactionRefused.
    """

    def __init__(self) -> None:
        self._actions: list[dict[str, Any]] = []

    def __len__(self) -> int:
        return len(self._actions)

    def create(self, entity: Entity) -> Self:
        """Put an item whose key must be free."""
        return self.put(entity, type(entity).pk.does_not_exist())

    def put(self, entity: Entity, condition: Condition | None = None) -> Self:
        entity.attempt = fresh_attempt()
        kwargs = (
            type(entity)
            ._get_connection()
            .get_operation_kwargs(entity.pk, entity.sk, key="Item", attributes=raw(entity), condition=condition)
        )
        return self._add("Put", kwargs)

    def update(
        self, model: type[Entity], pk: str, sk: str, actions: Sequence[Action], condition: Condition | None = None
    ) -> Self:
        kwargs = model._get_connection().get_operation_kwargs(pk, sk, actions=list(actions), condition=condition)
        return self._add("Update", kwargs)

    def delete(self, model: type[Entity], pk: str, sk: str, condition: Condition | None = None) -> Self:
        return self._add("Delete", model._get_connection().get_operation_kwargs(pk, sk, condition=condition))

    def check(self, model: type[Entity], pk: str, sk: str, condition: Condition) -> Self:
        """Require something of an item without writing it."""
        return self._add("ConditionCheck", model._get_connection().get_operation_kwargs(pk, sk, condition=condition))

    def _add(self, verb: str, kwargs: dict[str, Any]) -> Self:
        if "ConditionExpression" in kwargs:
            kwargs["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        stamp(kwargs)  # so that `change(unchanged=True)` also notices what a transaction wrote
        self._actions.append({verb: kwargs})
        return self

    def commit(self) -> None:
        """Write it. Tries that may have been applied share a `ClientRequestToken`, so that none is applied twice, or
        refused for what another has written."""
        token = fresh_attempt()
        for tried in range(60):
            try:
                client().transact_write_items(TransactItems=self._actions, ClientRequestToken=token)
                return
            except ClientError as error:
                if error.response["Error"]["Code"] not in (
                    "TransactionCanceledException",
                    "TransactionInProgressException",
                ):
                    raise
                reasons = error.response.get("CancellationReasons", [])
                if any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
                    raise TransactionRefused([_found(reason) for reason in reasons]) from error
                if any(reason.get("Code") == "ValidationError" for reason in reasons):
                    raise
                if error.response["Error"]["Code"] == "TransactionCanceledException":
                    token = fresh_attempt()  # nothing of it was written
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
        raise PynamoDBException("a transaction met conflicts sixty times")


def _found(reason: Mapping[str, Any]) -> dict[str, Any] | None:
    return reason.get("Item", {}) if reason.get("Code") == "ConditionalCheckFailed" else None


def retried(change: Callable[[], T], tries: int = 20) -> T:
    """Run a read-and-conditionally-write until its condition holds: for items that several may change at once."""
    for tried in range(tries):
        try:
            return change()
        except ConditionFailed:
            if tried == tries - 1:
                raise
            time.sleep(random.uniform(0, min(0.2, 0.004 * 2**tried)))
    raise AssertionError("unreachable")
