"""What strikes a worker: faults of its requests, and its own sudden end at the worst moments of a delivery."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from drumbeat import aws, table
from drumbeat.channels.email import ses

from tests.faults import NONE, Hook, Rates
from tests.simulation.clockwork import Killed
from tests.soak.engine.crew import shares

DELIVERING = "sends.deliver_chunk"
POINTS = ("before the claim", "after the claim", "after the acceptance", "after the record")
# How likely a worker dies at such a point, and until one has.
KILLED, FIRST_KILLED = 0.01, 0.4
# Of the calls of the provider, beside what the provider's own faults do.
UNANSWERED = {"not connected": 0.003, "timed out before": 0.004, "timed out after": 0.004}


class Strikes:
    """Everything that goes wrong with the requests of one process; `seen` counts it. None of it outside `at_work`."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._thread = threading.local()
        self._lock = threading.Lock()
        self.points: Counter[str] = Counter()
        database, sqs, machines = table.connection().connection.client, aws.client("sqs"), aws.client("stepfunctions")
        self.mails = aws.client("sesv2", tries=1, read_timeout=ses.READ_TIMEOUT)
        self._hooks = {
            "dynamodb": _Deadly(self, database, seed=seed, only=self._working),
            "sqs": Hook(sqs, seed=seed, only=self._working),
            "states": Hook(machines, seed=seed, only=self._working),
        }
        self.over = self._called = False

    @property
    def seen(self) -> dict[str, int]:
        """How often each kind of strike happened."""
        faults = {f"{name} {kind}": number for name, hook in self._hooks.items() for kind, number in hook.seen.items()}
        return dict(sorted({**faults, **self.points}.items()))

    def end(self) -> None:
        """No more strikes."""
        self.over = True
        for hook in self._hooks.values():
            hook.rates = NONE

    @contextmanager
    def struck(self) -> Iterator[None]:
        """The SDK's pauses between its attempts take no time."""
        pauses = botocore.endpoint.time
        events = self.mails.meta.events
        events.register("before-send.sesv2.SendBulkEmail", self._call, unique_id="strikes")
        botocore.endpoint.time = SimpleNamespace(sleep=lambda _: None)
        try:
            with ExitStack() as stack:
                for hook in self._hooks.values():
                    stack.enter_context(hook.struck())
                yield
        finally:
            botocore.endpoint.time = pauses
            events.unregister("before-send.sesv2.SendBulkEmail", unique_id="strikes")

    @contextmanager
    def at_work(self, worker: str) -> Iterator[None]:
        """This thread runs a function."""
        self._thread.worker, self._thread.stage = worker, ""
        try:
            yield
        finally:
            self._thread.worker = ""

    def called(self) -> bool:
        """Whether the provider was called since this was asked last."""
        called, self._called = self._called, False
        return called

    def _working(self) -> bool:
        return bool(getattr(self._thread, "worker", ""))

    def chance(self) -> random.Random:
        """This thread's own."""
        if not hasattr(self._thread, "chance"):
            self._thread.chance = random.Random(f"{self._seed}:strikes:{threading.current_thread().name}")
        chance: random.Random = self._thread.chance
        return chance

    def dies(self, point: str) -> bool:
        """Whether the worker dies here."""
        if self.over:
            return False
        with self._lock:
            if self.chance().random() >= (KILLED if self.points[point] else FIRST_KILLED):
                return False
            self.points[point] += 1
        return True

    def around(self, request: Any, operation: str, client: Any) -> None:
        """Let the worker die before or behind one of its requests to the table."""
        if self._thread.worker != DELIVERING or operation not in ("UpdateItem", "TransactWriteItems"):
            return
        if '"CHUNK#' not in request.body.decode():
            return
        stage, self._thread.stage = self._thread.stage, self._thread.stage or "claimed"
        if not stage and self.dies("before the claim"):
            raise Killed
        behind = {"": "after the claim", "called": "after the record"}.get(stage)
        if behind and self.dies(behind):
            client._endpoint.http_session.send(request)
            raise Killed

    def _call(self, request: Any, **_: Any) -> AWSResponse | None:
        """The call of the provider: it may end without an answer, or the worker with its answer."""
        if not self._working():
            return None
        self._thread.stage, self._called = "called", True
        kind = "" if self.over else shares(self.chance(), **UNANSWERED)
        if kind:
            with self._lock:
                self.points[kind] += 1
        if kind == "not connected":
            raise ConnectTimeoutError(endpoint_url=request.url)
        if kind == "timed out before":
            raise ReadTimeoutError(endpoint_url=request.url)
        if kind == "timed out after":
            self.mails._endpoint.http_session.send(request)
            raise ReadTimeoutError(endpoint_url=request.url)
        if self.dies("after the acceptance"):
            self.mails._endpoint.http_session.send(request)
            raise Killed
        return None


class _Deadly(Hook):
    """Faults of the table, and the points at which a worker dies."""

    def __init__(self, strikes: Strikes, client: Any, **how: Any) -> None:
        super().__init__(client, rates=Rates(), **how)
        self._strikes = strikes

    def __call__(self, request: Any, event_name: str = "", **more: Any) -> AWSResponse | None:
        if self._strikes._working():
            self._strikes.around(request, event_name.rpartition(".")[2], self._client)
        return super().__call__(request, event_name, **more)
