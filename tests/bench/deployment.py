"""A deployment in memory with a clock of its own: queues, machines, schedules and stream readers run as events in the
order of their times, so that three days of opens and clicks pass in seconds and every invocation is counted.

How AWS calls functions is modelled on its documentation: a batching window is held by each of five pollers, a stream
has four shards, an execution environment that was idle for ten minutes is gone.
"""

import heapq
import io
import itertools
import json
import os
import random
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from drumbeat import logs, table
from drumbeat.declare import Function

from tests import harness
from tests.bench.cloud import Cloud, Meter
from tests.bench.dynamo import Item

POLLERS = 5
STREAM_SHARDS = 4
IDLE_SECONDS = 600.0
# Lambda gives a function a whole processor at 1,769 MB, and shares of it below that.
WHOLE_PROCESSOR = 1769
# Wall time of a cold start that is billed: imports of the layers at the start's full processor. Assumed.
INIT_SECONDS = 0.7
# X-Ray's default rule: the first request each second and 5 % of the others.
TRACED = 0.05


class Lines(io.TextIOBase):
    """Standard output as CloudWatch gets it: its bytes, and the metrics that lines in EMF carry."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.metrics: set[tuple[str, str]] = set()
        self.error = ""

    def write(self, text: str) -> int:
        for line in text.splitlines():
            self.meter.add("log bytes", len(line.encode()) + 26)  # 26: what CloudWatch adds to an event
            if line.startswith('{"level":"ERROR"'):
                self.error = line
            if '"_aws"' in line:
                context = self.meter.function.split(".")[0]
                found = json.loads(line)["_aws"]["CloudWatchMetrics"]
                self.metrics |= {(context, one["Name"]) for group in found for one in group["Metrics"]}
        return len(text)


class Deployment:
    """Functions with what calls them. `now` is the time of all clocks of the process."""

    def __init__(self, rate: float, seed: int = 7) -> None:
        self.now = 1_790_000_000.0
        self.chance = random.Random(seed)
        self.meter = Meter()
        self.mailed: Callable[[dict[str, Any]], None] = lambda entries: None
        self.cloud = Cloud(
            self.meter, queued=self._queued, started=self._started, mailed=lambda asked: self.mailed(asked),
            changed=self._changed, rate=rate,
        )  # fmt: skip
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._open: dict[Any, list[Any]] = {}
        self._used: dict[str, float] = {}
        self._second = 0
        self.lines = Lines(self.meter)

    def build(self) -> None:
        """Take over the process: its clock, its output, its AWS."""
        time.time = time.monotonic = lambda: self.now
        time.sleep = lambda seconds: None
        random.seed(7)
        sys.stdout = self.lines
        logs.logger.registered_handler.setStream(self.lines)  # type: ignore[attr-defined]  # a StreamHandler
        self.cloud.install()
        os.environ["HEALTH_QUEUE"] = "https://sqs.us-east-1.amazonaws.com/123456789012/health"
        found = [f"{file.parent.name}.{file.stem}" for file in sorted((harness.ROOT / "functions").glob("*/*.py"))]
        functions = [harness.function(name) for name in found]
        self.consumers = {f.declaration.queue.name: f for f in functions if f.declaration.queue}
        self.tasks = {f.declaration.machine.name: f for f in functions if f.declaration.machine}
        for name in self.consumers:
            os.environ[f"QUEUE_{name.upper()}"] = f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"
        for name in self.tasks:
            os.environ[f"MACHINE_{name.upper()}"] = f"arn:aws:states:us-east-1:123456789012:stateMachine:{name}"
        self.readers = [f for f in functions if f.declaration.kind == "stream"]
        assert table.connection().connection.client is not None

    def at(self, when: float, act: Callable[[], None]) -> None:
        heapq.heappush(self._events, (max(when, self.now), next(self._order), act))

    def run(self) -> None:
        """Let time pass until nothing is left to happen."""
        while self._events:
            when, _, act = heapq.heappop(self._events)
            self.now = max(self.now, when)
            act()

    def invoke(self, function: Function, event: Any) -> Any:
        """Call a function as Lambda would, and meter its time. The processor is taken for one of Graviton's."""
        declared, meter = function.declaration, self.meter
        before, meter.function = meter.function, declared.name
        os.environ["FUNCTION"] = declared.name
        meter.aside = meter.waited = 0.0
        began = time.process_time()
        answer = function(event, None)
        processor = time.process_time() - began - meter.aside
        seconds = processor * WHOLE_PROCESSOR / declared.memory + meter.waited
        meter.add("processor seconds", processor)
        self._billed(declared.name, declared.memory, seconds)
        meter.function = before
        return answer

    def _billed(self, name: str, memory: int, seconds: float) -> None:
        meter = self.meter
        if self.now - self._used.get(name, 0.0) > IDLE_SECONDS:
            meter.add("cold starts")
            seconds += INIT_SECONDS
        self._used[name] = self.now
        meter.add("invocations")
        meter.add("GB-seconds", seconds * memory / 1024)
        first, self._second = int(self.now) != self._second, int(self.now)
        meter.add("traces", 1 if first else TRACED)

    def ask(self, name: str, **request: Any) -> dict[str, Any]:
        """A request through the HTTP API."""
        function = harness.function(name)
        self.meter.used[name, "api requests"] += 1
        self.meter.used[name, "access log bytes"] += 330
        event = harness.http_event(function.declaration.route or "", **request)
        answer: dict[str, Any] = self.invoke(function, event)
        return answer

    def _queued(self, queue: str, body: str, delay: float) -> None:
        self.at(self.now + delay, lambda: self.arrived(queue, body))

    def arrived(self, queue: str, body: str) -> None:
        """A message can be received: by itself, or in the batch of a poller's window."""
        consumer = self.consumers[queue]
        declared = consumer.declaration
        poller = self.chance.randrange(POLLERS)
        self._batched((queue, poller), body, declared.batch, declared.window, lambda got: self._consume(consumer, got))

    def _batched(self, key: Any, one: Any, most: int, window: float, act: Callable[[list[Any]], None]) -> None:
        """Collect until there are `most`, or until `window` seconds after the first."""
        held = self._open.setdefault(key, [])
        held.append(one)

        def close() -> None:
            if self._open.get(key) is held:
                del self._open[key]
                act(held)

        if len(held) >= most:
            close()
        elif len(held) == 1:
            self.at(self.now + window, close)

    def _consume(self, consumer: Function, bodies: list[str]) -> None:
        """Pollers receive and delete ten messages a request."""
        for _ in range(0, len(bodies), 10):
            self.meter.used[consumer.declaration.name, "sqs requests"] += 2
        records = [{"messageId": str(n), "body": body, "attributes": {}} for n, body in enumerate(bodies)]
        failed = self.invoke(consumer, {"Records": records})["batchItemFailures"]
        assert not failed, self.lines.error

    def _started(self, machine: str, name: str, state: dict[str, Any]) -> None:
        self.meter.used[machine, "transitions"] += 1
        self.meter.used[machine, "traces"] += 1
        declared = self.tasks[machine].declaration.machine
        first = bool(declared and declared.waits_first)
        self.at(self.now, lambda: self._decide(machine, state, waits_first=first))

    def _decide(self, machine: str, state: dict[str, Any], *, waits_first: bool = False) -> None:
        """Decide → (Pause) → Work → Decide, as infra/machines.py has it; the first one was counted by who came here,
        which is `Pause` in a machine that waits first."""
        wait = float(state.get("wait_seconds") or 0)
        self.meter.used[machine, "transitions"] += 1 if state.get("done") else 2 + (wait > 0 and not waits_first)
        if not state.get("done"):
            self.at(self.now + wait, lambda: self._decide(machine, self.invoke(self.tasks[machine], state)))

    def _changed(self, old: Item, new: Item) -> None:
        """Hand a change to the functions that read the stream, through their filters."""
        key = (new or old)["pk"]["S"]
        event = "REMOVE" if not new else "MODIFY" if old else "INSERT"
        for reader in self.readers:
            declared = reader.declaration
            kind = key.partition("#")[0]
            if not declared.passes(kind, event, new):
                continue
            item = new or old
            change = {
                "Keys": {"pk": item["pk"], "sk": item["sk"]}, "OldImage": old, "NewImage": new, "SequenceNumber": "1",
            }  # fmt: skip
            record = {"eventName": event, "dynamodb": change}
            shard = hash(key) % STREAM_SHARDS
            window = max(0.2, declared.window)  # the stream is polled four times a second
            self._batched((declared.name, shard), record, declared.batch, window, partial(self._read, reader))

    def _read(self, reader: Function, records: list[Any]) -> None:
        failed = self.invoke(reader, {"Records": records})["batchItemFailures"]
        assert not failed, self.lines.error
