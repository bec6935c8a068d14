"""The deployment's resources, made directly, and what AWS does between the functions, as on a bad day."""

import json
import os
import random
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from drumbeat import aws
from drumbeat.declare import Function
from drumbeat.logs import metrics
from drumbeat.sends.work import DELIVER, DISPATCH, FEEDBACK, GOVERN, ROLL_UP

from tests import harness
from tests.simulation.clockwork import Killed
from tests.soak.engine.crew import Crew, shares
from tests.soak.engine.strikes import Strikes

CONSUMERS = {
    DELIVER.name: "sends.deliver_chunk", ROLL_UP.name: "campaigns.roll_up_send",
    FEEDBACK.name: "feedback.apply_feedback",
}  # fmt: skip
TASKS = {DISPATCH.name: "sends.plan_chunks", GOVERN.name: "sends.govern_account"}
ACCOUNT = "000000000000"
# Six times the functions' timeout, as infra has it.
VISIBILITY = 360.0
# SQS does not lose messages; a worker that dies after its last try, or a message put into a dead queue, looks like it.
MESSAGES = {"doubled": 0.10, "lost": 0.02, "late": 0.05, "ten at once": 0.01, "redelivered midway": 0.02}
SWEPT = (DELIVER.name, ROLL_UP.name)
STEPS = {"step doubled": 0.05}
STEP_TRIES = 4
EXECUTIONS = {"two executions": 0.2}


class _Uncounted:
    """Powertools keeps one set of metrics for the process, which is for one invocation at a time."""

    metric_set: dict[str, Any] = {}

    def add_metric(self, **_: Any) -> None:
        pass


class Cloud:
    """Queues, machines and the sweeper, whose work is done by a crew."""

    def __init__(self, crew: Crew, strikes: Strikes, seed: int, name: str) -> None:
        self.crew, self.strikes, self.name = crew, strikes, name
        self.chance = random.Random(f"{seed}:cloud")
        self.happened: Counter[str] = Counter()
        self.waiting = 0
        self._lock = threading.Lock()
        self._sqs, self._machines = boto3.client("sqs"), boto3.client("stepfunctions")
        self._urls: dict[str, str] = {}
        self._arns: dict[str, str] = {}
        self._seen: set[str] = set()
        # The services to which something was sent since the last look.
        self._left: set[str] = set()
        self._own = threading.local()
        self._functions: dict[str, Function] = {}

    def build(self) -> None:
        """Make the table, the queues and the machines, and point the functions at them."""
        metrics.provider = _Uncounted()  # type: ignore[assignment]  # as much of one as is used
        harness.create_table()
        for queue in CONSUMERS:
            self._urls[queue] = self._sqs.create_queue(QueueName=f"{self.name}-{queue}")["QueueUrl"]
            os.environ[f"QUEUE_{queue.upper()}"] = self._urls[queue]
        nothing = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
        for machine in TASKS:
            role = f"arn:aws:iam::{ACCOUNT}:role/machine"
            named = {"name": f"{self.name}-{machine}", "definition": nothing, "roleArn": role}
            self._arns[machine] = self._machines.create_state_machine(**named)["stateMachineArn"]
            os.environ[f"MACHINE_{machine.upper()}"] = self._arns[machine]
        aws.client("sqs").meta.events.register("before-parameter-build.sqs.SendMessageBatch", _delays_as_attributes)
        for service, event in (("sqs", "before-send.sqs"), ("stepfunctions", "before-send.sfn")):
            aws.client(service).meta.events.register(event, partial(self._leaves, service))

    def function(self, name: str) -> Function:
        if name not in self._functions:
            self._functions[name] = harness.function(name)
        return self._functions[name]

    def invoke(self, name: str, event: Any) -> Any:
        """What a function gives; None when it was killed, or failed while there were faults."""
        try:
            with self.strikes.at_work(name):
                return self.function(name)(event, None)
        except Killed:
            self.count("killed")
        except Exception:
            # Lambda reports it and the caller comes again; nothing but a fault may be the cause.
            if self.strikes.over:
                raise
            self.count("failed")
        finally:
            # Whoever looked while the request was on its way has not found it yet.
            with self._lock:
                self._left |= getattr(self._own, "left", set())
            self._own.left = set()
        return None

    def count(self, what: str) -> None:
        with self._lock:
            self.happened[what] += 1

    def put(self, work: Callable[[], None], after: float = 0.0) -> None:
        """Something that must be done before all is at rest."""
        with self._lock:
            self.waiting += 1

        def done() -> None:
            try:
                work()
            finally:
                with self._lock:
                    self.waiting -= 1

        self.crew.put(done, after)

    def sweep_each(self, interval: Callable[[], float]) -> None:
        """The scheduler calls the sweeper again and again, sometimes twice or late."""

        def again() -> None:
            for _ in range(2 if self.chance.random() < 0.05 else 1):
                late = 600.0 * (self.chance.random() < 0.05)
                self.crew.put(lambda: self.invoke("sends.sweep_sends", {}) and None, late)
            self.crew.put(again, interval())

        self.crew.put(again, interval())

    def gathered(self) -> bool:
        """Take what the functions have put on queues and started, and whether there was something."""
        with self._lock:
            left, self._left = self._left, set()
        arrived: list[tuple[str, str, float]] = []
        for queue in SWEPT if "sqs" in left else ():
            while received := self._received(queue):
                arrived += [(queue, body, delay) for body, delay in received]
        for queue, body, delay in arrived:  # all at once, as many workers would get them
            self._arrived(queue, body, delay)
        return ("stepfunctions" in left and self._executions()) or bool(arrived)

    def _leaves(self, service: str, **_: Any) -> None:
        with self._lock:
            self._left.add(service)
        self._own.left = {service, *getattr(self._own, "left", ())}

    def _received(self, queue: str) -> list[tuple[str, float]]:
        url = self._urls[queue]
        answer = self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
        messages = answer.get("Messages", [])
        if messages:
            entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
            self._sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        return [(one["Body"], float(one["MessageAttributes"]["delay"]["StringValue"])) for one in messages]

    def _arrived(self, queue: str, body: str, delay: float) -> None:
        """A message comes, or comes twice, to ten workers at once, late, or never."""
        what = "" if self.strikes.over else shares(self.chance, **MESSAGES)
        if queue == DELIVER.name and not self.happened["ten at once"]:
            what = "ten at once"
        if what:
            self.happened[what] += 1
        if what == "lost":
            return
        copies = {"doubled": 2, "ten at once": 10}.get(what, 1)
        if what == "late":
            delay += self.chance.uniform(60, 1200)
        for _ in range(copies):
            self.put(partial(self.hand, queue, [body]), delay)
        if what == "redelivered midway":
            self.put(partial(self.hand, queue, [body]), delay + 0.02)

    def hand(self, queue: str, bodies: list[str]) -> None:
        """Give messages to their consumer; what failed comes again, when its visibility timeout is over."""
        records = [{"messageId": str(place), "body": body, "attributes": {}} for place, body in enumerate(bodies)]
        answer = self.invoke(CONSUMERS[queue], {"Records": records})
        if answer is None:
            again = bodies
        else:
            again = [bodies[int(failed["itemIdentifier"])] for failed in answer["batchItemFailures"]]
            assert not (again and self.strikes.over), f"{CONSUMERS[queue]} fails without any fault: {again[:3]}"
        if again:
            self.count("handed again")
            self.put(partial(self.hand, queue, again), VISIBILITY)

    def _executions(self) -> bool:
        found = False
        for machine, arn in self._arns.items():
            for one in self._machines.list_executions(stateMachineArn=arn, maxResults=1000)["executions"]:
                if one["executionArn"] in self._seen:
                    continue
                self._seen.add(one["executionArn"])
                found = True
                state = self._machines.describe_execution(executionArn=one["executionArn"])["input"]
                twice = not self.strikes.over and shares(self.chance, **EXECUTIONS)
                self.happened["two executions"] += bool(twice)
                for _ in range(2 if twice else 1):
                    self.put(partial(self._step, machine, json.loads(state), 1))
        return found

    def _step(self, machine: str, state: dict[str, Any], tried: int) -> None:
        """A machine's task, and again when it failed, unless that was its last try: then the execution is dead."""
        after = self.invoke(TASKS[machine], state)
        if after is None and tried < STEP_TRIES:
            self.put(partial(self._step, machine, state, tried + 1), 2.0**tried)
        elif after is None:
            self.count("execution died")
        elif not after.get("done"):
            twice = not self.strikes.over and shares(self.strikes.chance(), **STEPS)
            if twice:
                self.count("step doubled")
            for _ in range(2 if twice else 1):
                self.put(partial(self._step, machine, after, 1), float(after.get("wait_seconds") or 0))


def _delays_as_attributes(params: dict[str, Any], **_: Any) -> None:
    """The crew's clock says when a message's delay is over, so the emulator must not hold it."""
    for entry in params["Entries"]:
        delay = str(entry.pop("DelaySeconds", 0))
        entry["MessageAttributes"] = {"delay": {"DataType": "Number", "StringValue": delay}}
