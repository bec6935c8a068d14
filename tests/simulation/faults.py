"""Faults of the world outside the product: the database's, a worker's sudden end, and a clock that a test moves.

They strike inside botocore (`before-send`), so the SDK's own retries are part of what is tried. Everything is drawn
from one seed, and nothing of the product is replaced.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from drumbeat import clock, table
from moto.core.botocore_stubber import MockRawResponse
from moto.core.models import botocore_stubber

EVENT = "before-send.dynamodb"
NOWHERE = "https://nowhere.example/"
START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
# Shares of requests.
THROTTLED, REQUEST_LOST, REPLY_LOST = 0.03, 0.02, 0.03
# How likely a worker that comes by one of the named points dies there (more so until one has), and elsewhere.
FIRST_KILLED, KILLED, KILLED_ANYWHERE = 0.4, 0.05, 0.002
POINTS = ("before the claim", "after the claim", "after the answer", "after the rows")
DELIVERING = "sends.deliver_chunk"


class Killed(BaseException):
    """The instance is gone: out of memory, out of time, or a host that died."""


@dataclass
class Faults:
    """What strikes while `at_work`; `seen` counts what did."""

    chance: random.Random
    active: bool = True
    seen: Counter[str] = field(default_factory=Counter)
    worker: str | None = None
    claimed: bool = False
    applied: set[str] = field(default_factory=set)

    @contextmanager
    def at_work(self, worker: str) -> Iterator[None]:
        """A function runs, and its requests may meet faults."""
        self.worker, self.claimed = worker, False
        try:
            yield
        finally:
            self.worker = None

    def __call__(self, request: Any, **_: Any) -> AWSResponse | None:
        if self.worker is None:
            return None
        operation, body = _read(request)
        token = body.get("ClientRequestToken", "")
        if token in self.applied:
            return _instead(request, 200, {})  # as DynamoDB answers a transaction that it has had
        if not self.active:
            return None
        self._kill(request, operation, body)
        return self._fail(request, token)

    def _fail(self, request: Any, token: str) -> AWSResponse | None:
        drawn = self.chance.random()
        if drawn < THROTTLED:
            self.seen["throttled"] += 1
            error = {"__type": "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"}
            return _instead(request, 400, {**error, "message": "slow down"})
        if drawn < THROTTLED + REQUEST_LOST:
            self.seen["request lost"] += 1
            raise ConnectTimeoutError(endpoint_url=request.url)
        if drawn < THROTTLED + REQUEST_LOST + REPLY_LOST:
            answer = botocore_stubber("before-send", request)
            if token and answer is not None and answer.status_code == 200:
                self.applied.add(token)
            self.seen["reply lost"] += 1
            raise ReadTimeoutError(endpoint_url=request.url)
        return None

    def _kill(self, request: Any, operation: str, body: dict[str, Any]) -> None:
        """Let the worker die here, or just behind this request."""
        before, after = "anywhere", "anywhere"
        if self.worker == DELIVERING and operation == "BatchWriteItem":
            before, after = "after the answer", "after the rows"
        elif self.worker == DELIVERING and operation == "UpdateItem" and _kind(body) == "CHUNK" and not self.claimed:
            before, after = "before the claim", "after the claim"
            self.claimed = True
        drawn = self.chance.random()
        if drawn < self._rate(before):
            self.seen[before] += 1
            raise Killed
        if drawn < self._rate(before) + self._rate(after):
            botocore_stubber("before-send", request)
            self.seen[after] += 1
            raise Killed

    def _rate(self, point: str) -> float:
        if point == "anywhere":
            return KILLED_ANYWHERE
        return KILLED if self.seen[point] else FIRST_KILLED


def _read(request: Any) -> tuple[str, dict[str, Any]]:
    target = request.headers["X-Amz-Target"]
    name = target.decode() if isinstance(target, bytes) else str(target)
    return name.rpartition(".")[2], json.loads(request.body)


def _kind(body: dict[str, Any]) -> str:
    return str(body["Key"]["pk"]["S"]).partition("#")[0]


def _instead(request: Any, status: int, body: dict[str, Any]) -> AWSResponse:
    """An answer in place of the database's: botocore asks all hooks, so moto is led to believe that it is not meant."""
    address, request.url = request.url, NOWHERE
    return AWSResponse(address, status, {}, MockRawResponse(json.dumps(body)))


@contextmanager
def struck(faults: Faults) -> Iterator[None]:
    """The database of the deployment has faults; the SDK's pauses between its attempts take no time."""
    events = table.connection().connection.client.meta.events
    events.register(EVENT, faults, unique_id="faults")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))
            yield
    finally:
        events.unregister(EVENT, unique_id="faults")


class Time:
    """Stands for the module `time` in drumbeat.clock: both clocks show what the test says, later with each look."""

    def __init__(self, at: datetime = START) -> None:
        self._now = at.timestamp()

    def time(self) -> float:
        self._now += 0.001
        return self._now

    def passes(self, duration: timedelta) -> None:
        self._now += duration.total_seconds()


@contextmanager
def moved(time: Time) -> Iterator[None]:
    """The clocks follow `time`."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "time", time)
        yield
