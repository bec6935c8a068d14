"""AWS in memory: what a deployment's functions call, and what calls them. One process, one clock, one seed.

Stand-ins take the place of botocore's clients, at the outside edge; the functions are the deployed ones. Queues give
messages twice, late, to two workers at once or (of what a sweeper finds again) never; machines repeat steps, and their
executions die; schedules fire twice, late and after they were cancelled; the stream gives batches twice, in parts, and
items in any order.
"""

import functools
import json
import random
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from drumbeat.declare import Function
from drumbeat.logs import metrics

from tests import harness
from tests.simulation import partitions, provider
from tests.simulation.clockwork import Clockwork, Killed, Task
from tests.simulation.items import refusal
from tests.simulation.store import Store
from tests.simulation.streams import Stream
from tests.simulation.wire import Wire

# What of an SQS message comes twice, to two workers at once, later by up to a quarter of an hour, or never.
DOUBLED, AT_ONCE, LATE, LOST = 0.05, 0.06, 0.05, 0.06
# A lost message looks like one whose worker died at its last try. A sweeper finds its work again.
SWEPT = ("deliver", "roll_up", "launch")
STEP_DOUBLED, EXECUTION_DIES = 0.04, 0.2
FIRED_TWICE, FIRED_LATE, FIRED_AFTER_CANCEL, TEN_MINUTES = 0.2, 0.15, 0.3, 600.0
EVENT_REFUSED = 0.03
# Seconds in which a batch of feedback gathers, and how many a poll takes.
GATHERED, MOST_FEEDBACK = 180.0, 300
TOGETHER = 0.12
CONSUMERS = {
    "deliver": "sends.deliver_chunk", "roll_up": "campaigns.roll_up_send", "launch": "campaigns.launch_scheduled",
    "feedback": "feedback.apply_feedback",
}  # fmt: skip
STEPS = {"dispatch": "sends.plan_chunks", "govern": "sends.govern_account"}
SWEEPS = ("sends.sweep_sends", "campaigns.sweep_schedules")
Worker = Callable[[dict[str, Any]], dict[str, Any]]


class Counting(Protocol):
    """What counts the reports in the product's place, to see whether it is noticed when it counts wrongly."""

    def apply(self, messages: Sequence[Mapping[str, Any]]) -> None: ...
    def numbers(self) -> dict[str, int]: ...


class Cloud:
    """An account with a deployment in it. `workers` take the place of consumers, by queue."""

    consumers: Mapping[str, str] = CONSUMERS
    steps: Mapping[str, str] = STEPS
    sweeps: Sequence[str] = SWEEPS
    swept: Sequence[str] = SWEPT

    def __init__(
        self, seed: int, store: Store, start: float, *, rate: float = 50.0, workers: Mapping[str, Worker] | None = None
    ) -> None:
        self.chance = random.Random(seed)
        self.work = Clockwork(self.chance, start)
        self.store = store.copy(lambda: self.work.now)
        self.wire = Wire(self.work)
        self.mails = provider.Provider(self.work, rate, functools.partial(self.put, "feedback"))
        self.workers = dict(workers or {})
        self.counting: Counting | None = None
        self.published: dict[str, dict[str, Any]] = {}
        self.trespasses: list[str] = []
        self.claims: list[tuple[float, str]] = []
        self.under_way = 0
        self._gathering: list[str] = []
        self._executions: set[tuple[str, str]] = set()
        self._schedules: dict[str, dict[str, Any]] = {}
        self.stream = Stream(self.work, self.store, self.run)
        self._requests: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
            "send_message_batch": self._send_messages, "send_message": self._send_message,
            "start_execution": self._start_execution, "create_schedule": self._create_schedule,
            "update_schedule": self._update_schedule, "delete_schedule": self._delete_schedule,
            "put_events": self._put_events, "get_account": lambda _: self.mails.account(),
            "generate_mac": lambda kwargs: {"Mac": b"m" * 32},
            "describe_table": lambda _: {"Table": {"LatestStreamArn": "arn:aws:dynamodb:table/drumbeat/stream/label"}},
        }  # fmt: skip

    @property
    def busy(self) -> bool:
        """Whether anything is under way: messages, executions, reports of mails, changes that nobody has read."""
        return bool(self.under_way or self.mails.waiting or self.stream.busy)

    # What functions call

    def dynamodb(self, operation: str, kwargs: Mapping[str, Any], tries: int = 6) -> dict[str, Any]:
        """A request to the table."""
        return self.wire.call("dynamodb", operation, kwargs, lambda body: self._perform(operation, body), tries)

    def _perform(self, operation: str, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.store.perform(operation, kwargs)
        if operation == "UpdateItem":
            self._note_claim(kwargs)
        self.stream.look()
        return answer

    def _note_claim(self, kwargs: Mapping[str, Any]) -> None:
        partition = kwargs["Key"]["pk"]["S"]
        values = kwargs.get("ExpressionAttributeValues", {})
        if partition.startswith("CHUNK#") and {"S": "sending"} in values.values():
            self.claims.append((self.work.now, partition.split("#")[2]))

    def watch(self, operation: str, kwargs: Mapping[str, Any]) -> None:
        """A request is about to be made: whose keys does it have?"""
        task = self.work.task
        if task is not None and task.tenant is not None:
            found = partitions.foreign(task.tenant, operation, kwargs)
            self.trespasses += [f"{task.name} for {task.tenant}: {operation} of {one}" for one in found]

    def request(self, service: str, name: str, kwargs: Mapping[str, Any], tries: int) -> dict[str, Any]:
        """A request to any other service."""
        if name == "send_bulk_email":
            return self.mails.send_bulk(kwargs)
        operation = "".join(part.title() for part in name.split("_"))
        return self.wire.call(service, operation, kwargs, self._requests[name], tries)

    def _send_messages(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        for entry in kwargs["Entries"]:
            self.put(_queue_of(kwargs["QueueUrl"]), entry["MessageBody"], float(entry.get("DelaySeconds", 0)))
        return {"Successful": [{"Id": entry["Id"]} for entry in kwargs["Entries"]]}

    def _send_message(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        self.put(_queue_of(kwargs["QueueUrl"]), kwargs["MessageBody"])
        return {}

    def _start_execution(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        machine = kwargs["stateMachineArn"].rpartition("-")[2]
        if (machine, kwargs["name"]) in self._executions:
            raise refusal("StartExecution", "ExecutionAlreadyExists", "Execution Already Exists")
        self._executions.add((machine, kwargs["name"]))
        state = json.loads(kwargs["input"])
        self._later(machine, state, 0, self.first_after(machine, state))
        return {"executionArn": kwargs["name"]}

    def first_after(self, machine: str, state: Mapping[str, Any]) -> float:
        """Seconds from an execution's start to its first round."""
        return 0.1

    def _create_schedule(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if kwargs["Name"] in self._schedules:
            raise refusal("CreateSchedule", "ConflictException", "Schedule already exists")
        return self._update_schedule(kwargs)

    def _update_schedule(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        made = dict(kwargs)
        self._schedules[kwargs["Name"]] = made
        at = datetime.fromisoformat(f"{kwargs['ScheduleExpression'][3:-1]}+00:00").timestamp()
        late = TEN_MINUTES if self.work.strikes("schedule: late", FIRED_LATE) else self.chance.uniform(0, 60)
        for _ in range(2 if self.work.strikes("schedule: twice", FIRED_TWICE) else 1):
            self.work.after(at - self.work.now + late, lambda: self._fire(made))
        return {}

    def _delete_schedule(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        if self._schedules.pop(kwargs["Name"], None) is None:
            raise refusal("DeleteSchedule", "ResourceNotFoundException", "Schedule does not exist")
        return {}

    def _fire(self, made: Mapping[str, Any]) -> None:
        if self._schedules.get(made["Name"]) is not made and not self.work.strikes(
            "schedule: after its end", FIRED_AFTER_CANCEL
        ):
            return
        self.put(made["Target"]["Arn"].rpartition("-")[2], made["Target"]["Input"])

    def _put_events(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        results = []
        for entry in kwargs["Entries"]:
            if self.work.strikes("bus: refused", EVENT_REFUSED):
                results.append({"ErrorCode": "InternalFailure"})
                continue
            frame = json.loads(entry["Detail"])
            self.published[frame["metadata"]["event_id"]] = frame
            results.append({"EventId": "e"})
        return {"Entries": results}

    # What calls functions

    def run(self, name: str, event: Any, worker: Worker | None = None, tenant: str | None = None) -> Any:
        """Invoke a function; None when it was killed or raised, which only an injected fault may cause."""
        function = _function(name)
        task = Task(name, tenant)
        metrics.clear_metrics()
        act = worker or self.workers.get(name) or (lambda given: function(given, None))
        try:
            return self.work.attempt(task, function.declaration.timeout, lambda: act(event))
        except Killed:
            return None
        except Exception:
            if not self.work.storm:
                raise
            self.work.happened["failed"] += 1
            return None

    def put(self, queue: str, body: str, delay: float = 0.0) -> None:
        """A message is on its way."""
        if queue in self.swept and self.work.strikes("message: lost", LOST):
            return
        if self.work.strikes("message: doubled", DOUBLED):
            self._come(queue, body, delay + self.chance.uniform(0, 400))
        late = self.chance.uniform(60, 900) if self.work.strikes("message: late", LATE) else 0.0
        self._come(queue, body, delay + late)

    def _come(self, queue: str, body: str, delay: float) -> None:
        self.under_way += 1
        if queue == "feedback":
            self.work.after(delay, lambda: self._gather(body))
        else:
            self.work.after(delay, lambda: self._receive(queue, body))

    def _receive(self, queue: str, body: str) -> None:
        """A worker gets the message, or two of them do."""
        self.under_way -= 1
        if self.work.strikes("message: at once", AT_ONCE):
            self.work.together([lambda: self._consume(queue, [body]), lambda: self._consume(queue, [body])])
        else:
            self._consume(queue, [body])

    def _gather(self, body: str) -> None:
        if not self._gathering:
            self.work.after(GATHERED, self._poll)
        self._gathering.append(body)

    def _poll(self) -> None:
        bodies, self._gathering = self._gathering, []
        self.under_way -= len(bodies)
        for start in range(0, len(bodies), MOST_FEEDBACK):
            self._consume("feedback", bodies[start : start + MOST_FEEDBACK])

    def _consume(self, queue: str, bodies: list[str]) -> None:
        """What failed comes again when its visibility timeout is over."""
        records = [
            {"messageId": str(place), "body": body, "receiptHandle": str(place), "attributes": {}}
            for place, body in enumerate(bodies)
        ]
        tenant = json.loads(bodies[0]).get("tenant") if queue in self.swept else None
        answer = self.run(self.consumers[queue], {"Records": records}, self.workers.get(queue), tenant)
        if self.counting and queue == "feedback":
            self.counting.apply([json.loads(body) for body in bodies])
        again = (
            bodies if answer is None else [bodies[int(one["itemIdentifier"])] for one in answer["batchItemFailures"]]
        )
        for body in again:
            self.work.happened["message: again"] += 1
            self._come(queue, body, self.chance.uniform(30, 360))

    def _round(self, machine: str, state: dict[str, Any], failures: int) -> None:
        """A round of an execution; some are run twice at once, as after a time-out that was none."""
        self.under_way -= 1
        after: list[Any] = []
        tenant = state.get("tenant")

        def step() -> None:
            after.append(self.run(self.steps[machine], state, tenant=tenant))

        twice = self.work.strikes("step: doubled", STEP_DOUBLED)
        beside, first = self.beside(machine, state)
        self.work.together([*beside, *([step, step] if twice else [step])], first)
        self._go_on(machine, state, after[0], failures)

    def beside(self, machine: str, state: Mapping[str, Any]) -> tuple[list[Callable[[], None]], int | None]:
        """What happens in the same moment as a round, and which of it begins (the round itself comes last)."""
        return [], None

    def _go_on(self, machine: str, state: dict[str, Any], after: dict[str, Any] | None, failures: int) -> None:
        if after is None:
            if failures >= 6 or self.work.strikes("execution died", EXECUTION_DIES):
                return
            self._later(machine, state, failures + 1, self.chance.uniform(0, min(60.0, 2.0 * 2**failures)))
        elif not after.get("done"):
            self._later(machine, after, 0, float(after.get("wait_seconds") or 0.1))

    def _later(self, machine: str, state: dict[str, Any], failures: int, seconds: float) -> None:
        self.under_way += 1
        self.work.after(seconds, lambda: self._round(machine, state, failures))

    def sweep(self) -> None:
        """The functions that run by the clock."""
        for name in self.sweeps:
            if not self.work.drawn(0.05):
                self.run(name, {})


@functools.cache
def _function(name: str) -> Function:
    return harness.function(name)


@functools.cache
def _queue_of(url: str) -> str:
    return url.rpartition("-")[2]
