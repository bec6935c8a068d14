"""The way from a client to a service, with the SDK's own retries: where requests and replies get lost.

`call` does what botocore does around a request, so the code that recognises its own writes meets what it would meet in
life: an answer that is lost after the write, and the retry of the same request. Shares come from tests.faults.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests.faults import Fault, Rates, draw
from tests.simulation.clockwork import Clockwork, Killed, Task
from tests.simulation.items import cancelled, refusal

URL = "https://nowhere.example/"
# How likely a worker dies before or after a call, and at the points that matter most.
KILLED, KILLED_AT_POINT = 0.0012, 0.02
DELIVERING = "sends.deliver_chunk"
POINTS = ("before the claim", "after the claim", "after the acceptance", "after the rows", "after the record")
# Seconds that a try takes which comes to nothing, at most: a connection, an answer.
CONNECT, READ = 3.0, 8.0
THROTTLINGS = {"dynamodb": "ProvisionedThroughputExceededException"}
MOST_ROWS = 3
WRITES = frozenset({"PutItem", "UpdateItem", "BatchWriteItem", "TransactWriteItems"})

Act = Callable[[Mapping[str, Any]], dict[str, Any]]


class _Drawn(random.Random):
    """Chance that has spoken."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self._value = value

    def random(self) -> float:
        return self._value


class Wire:
    """Requests of all services but the mail provider's, which has troubles of its own."""

    def __init__(self, work: Clockwork, rates: Rates | None = None) -> None:
        self.work, self.rates, self.killed = work, rates or Rates(), KILLED
        self._written: set[str] = set()
        # Above it no fault is drawn: most requests are spared the search.
        self._most = sum(getattr(self.rates, share.name) for share in fields(self.rates))

    def call(self, service: str, operation: str, kwargs: Mapping[str, Any], act: Act, tries: int) -> dict[str, Any]:
        """The answer of `act`. Raises what botocore raises when the tries are used up, and Killed."""
        if self.work.task is None:
            return act(kwargs)
        error: Exception | None = None
        for tried in range(tries):
            self.pause(before(self.work.task, operation, kwargs), writes=operation in WRITES)
            fault = self._fault(operation)
            if fault is None:
                answer = act(kwargs)
                self.pause(after(self.work.task, operation, kwargs))
                return answer
            self.work.happened[fault.value] += 1
            answered, error = self._struck(fault, service, operation, kwargs, act)
            if answered is not None:
                return answered
            self.work.sleep(self.work.chance.uniform(0, min(20.0, 0.05 * 2**tried)))
        assert error is not None
        raise error

    def _fault(self, operation: str) -> Fault | None:
        if not self.work.storm:
            return None
        drawn = self.work.chance.random()
        return draw(_Drawn(drawn), self.rates, operation) if drawn < self._most else None

    def pause(self, point: str, *, writes: bool = False) -> None:
        """The turn may pass here, and the worker may die."""
        work = self.work
        work.pass_turn(writes=writes)
        if work.storm and work.chance.random() < (KILLED_AT_POINT if point else self.killed):
            self.work.happened[point or "killed"] += 1
            raise Killed

    def _struck(
        self, fault: Fault, service: str, operation: str, kwargs: Mapping[str, Any], act: Act
    ) -> tuple[dict[str, Any] | None, Exception]:
        """What is answered all the same, or the error that the SDK sees before it tries again."""
        chance = self.work.chance
        if fault == Fault.THROTTLED:
            return None, refusal(operation, THROTTLINGS.get(service, "ThrottlingException"), "slow down")
        if fault == Fault.REQUEST_LOST:
            self.work.sleep(chance.uniform(0, CONNECT))
            return None, ConnectTimeoutError(endpoint_url=URL)
        if fault == Fault.REPLY_LOST:
            self._act_unheard(kwargs, act)
            self.work.sleep(chance.uniform(0, READ))
            return None, ReadTimeoutError(endpoint_url=URL)
        if fault == Fault.CONFLICT:
            return self._conflict(operation, kwargs, act)
        if fault == Fault.TRUNCATED:
            most = chance.randint(1, MOST_ROWS)
            return act({**kwargs, "Limit": min(most, kwargs.get("Limit") or most)}), AssertionError()
        return self._partly(operation, kwargs, act), AssertionError()

    def _act_unheard(self, kwargs: Mapping[str, Any], act: Act) -> None:
        try:
            act(kwargs)
        except ClientError:
            self.work.happened["refusal lost"] += 1
            return
        self._written.add(kwargs.get("ClientRequestToken", ""))

    def _conflict(self, operation: str, kwargs: Mapping[str, Any], act: Act) -> tuple[dict[str, Any] | None, Exception]:
        said = "Transaction is ongoing for the item"
        if operation != "TransactWriteItems":
            raise refusal(operation, "TransactionConflictException", said)
        if kwargs["ClientRequestToken"] in self._written:
            return act(kwargs), AssertionError()
        struck = self.work.chance.randrange(len(kwargs["TransactItems"]))
        raise cancelled(
            [
                {"Code": "TransactionConflict", "Message": said} if place == struck else {"Code": "None"}
                for place in range(len(kwargs["TransactItems"]))
            ]
        )

    def _partly(self, operation: str, kwargs: Mapping[str, Any], act: Act) -> dict[str, Any]:
        """The first part of a batch is done, which may be none of it, and the answer says what was left out."""
        if operation == "SendMessageBatch":
            entries = kwargs["Entries"]
            done = self.work.chance.randrange(len(entries))
            act({**kwargs, "Entries": entries[:done]})
            return {"Failed": [{"Id": one["Id"], "SenderFault": False, "Code": "Busy"} for one in entries[done:]]}
        ((table, asked),) = kwargs["RequestItems"].items()
        if operation == "BatchWriteItem":
            done = self.work.chance.randrange(len(asked))
            if done:
                act({"RequestItems": {table: asked[:done]}})
            return {"UnprocessedItems": {table: asked[done:]}}
        keys = asked["Keys"]
        done = self.work.chance.randrange(len(keys))
        found = act({"RequestItems": {table: {**asked, "Keys": keys[:done]}}})["Responses"] if done else {table: []}
        return {"Responses": found, "UnprocessedKeys": {table: {**asked, "Keys": keys[done:]}}}


def before(task: Task, operation: str, kwargs: Mapping[str, Any]) -> str:
    """The point that a worker of chunks is at before this request, if it is one that matters."""
    if task.name != DELIVERING:
        return ""
    if operation == "BatchWriteItem":
        return POINTS[2]
    return POINTS[0] if _claims(task, operation, kwargs) else ""


def after(task: Task, operation: str, kwargs: Mapping[str, Any]) -> str:
    if task.name != DELIVERING:
        return ""
    if operation == "BatchWriteItem":
        return POINTS[3]
    if _claims(task, operation, kwargs):
        task.claimed = True
        return POINTS[1]
    return POINTS[4] if task.claimed and _is_of_chunk(operation, kwargs) else ""


def _claims(task: Task, operation: str, kwargs: Mapping[str, Any]) -> bool:
    return not task.claimed and _is_of_chunk(operation, kwargs)


def _is_of_chunk(operation: str, kwargs: Mapping[str, Any]) -> bool:
    return operation == "UpdateItem" and kwargs["Key"]["pk"]["S"].startswith("CHUNK#")
