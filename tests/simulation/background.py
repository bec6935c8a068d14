"""AWS in the background as it is on a bad day: messages twice, late, in any order or never, and workers that die."""

import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from drumbeat.declare import Function

from tests.simulation.faults import Faults, Killed
from tests.world import World, client

# SQS does not lose messages; a worker that dies after its last try, or a message put into a dead queue, looks like it.
DOUBLED, LATE, LOST, EXECUTION_DIES = 0.15, 0.1, 0.15, 0.2
# What a sweeper finds again. Feedback is nobody else's to bring.
SWEPT = ("deliver", "roll_up")
Worker = Callable[[dict[str, Any]], dict[str, Any]]


class BadDay(World):
    """A deployment whose background work is `faults`' prey. `workers` take the place of consumers, by queue."""

    def __init__(self, faults: Faults, workers: Mapping[str, Worker] | None = None) -> None:
        super().__init__()
        self.faults, self.chance = faults, faults.chance
        self.workers = dict(workers or {})
        self.held: dict[str, list[str]] = {name: [] for name in self.consumers}
        self.late: dict[str, list[str]] = {name: [] for name in self.consumers}
        self.steps = {function.declaration.name for function in self.tasks.values()}
        self.reading = False
        self.unread: list[tuple[str, list[dict[str, Any]]]] = []
        self.happened: Counter[str] = Counter()

    def attempt(self, name: str, work: Callable[[], Any]) -> Any:
        """What the work gives, or None when it failed or was killed."""
        try:
            with self.faults.at_work(name):
                return work()
        except Killed:
            self.happened["killed"] += 1
        except Exception:
            # Lambda reports it and the caller comes again; nothing but an injected fault may be the cause.
            if not self.faults.active:
                raise
            self.happened["failed"] += 1
        return None

    def tick(self) -> None:
        """A minute is over: messages that were late are there."""
        for name, bodies in self.late.items():
            self.held[name] += bodies
            self.late[name] = []

    def at_rest(self) -> bool:
        return not any(self.held.values()) and not any(self.late.values()) and not self.unread

    def _queues(self) -> bool:
        return any([self._queue(name, consumer) for name, consumer in self.consumers.items()])  # noqa: C419 - each has its turn

    def _queue(self, name: str, consumer: Function) -> bool:
        for body in self._received(name):
            self._on_its_way(name, body)
        held, self.held[name] = self.held[name], []
        self.chance.shuffle(held)
        left = held
        while left:
            size = min(consumer.declaration.batch, self.chance.choice((10, 40, 100)))
            self._hand(name, consumer, left[:size])
            left = left[size:]
        return bool(held)

    def _hand(self, name: str, consumer: Function, bodies: list[str]) -> None:
        """Give a batch to its consumer; what failed comes again, when its visibility timeout is over."""
        records = [{"messageId": str(place), "body": body, "attributes": {}} for place, body in enumerate(bodies)]
        worker = self.workers.get(name) or (lambda event: self.run(consumer.declaration.name, event))
        answer = self.attempt(consumer.declaration.name, lambda: worker({"Records": records}))
        if answer is None:
            self.late[name] += bodies
        else:
            self.late[name] += [bodies[int(failed["itemIdentifier"])] for failed in answer["batchItemFailures"]]

    def _received(self, name: str) -> list[str]:
        sqs, url = client("sqs"), os.environ[f"QUEUE_{name.upper()}"]
        bodies: list[str] = []
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for message in found:
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def _on_its_way(self, name: str, body: str) -> None:
        """A message comes, or comes twice, or later, or never."""
        troubled = self.faults.active
        if troubled and name in SWEPT and self.chance.random() < LOST:
            self.happened["lost"] += 1
            return
        if troubled and self.chance.random() < DOUBLED:
            self.happened["doubled"] += 1
            self.chance.choice((self.held, self.late))[name].append(body)
        (self.late if troubled and self.chance.random() < LATE else self.held)[name].append(body)

    def run(self, name: str, event: Any = None) -> Any:
        """Invoke a function that is no API route, as its caller would: a machine and the stream try again."""
        if name in self.steps:
            return self._step(name, event)
        if self.reading:
            self.unread.append((name, event["Records"]))
            return {"batchItemFailures": []}
        return super().run(name, event)

    def _step(self, name: str, state: dict[str, Any]) -> dict[str, Any]:
        """A machine's task, again when it failed, unless that was its execution's last try."""
        after = self.attempt(name, lambda: World.run(self, name, state))
        if after is None and self.chance.random() < EXECUTION_DIES:
            self.happened["execution died"] += 1
            return {**state, "done": True}
        return after if after is not None else {**state, "wait_seconds": 0}

    def _streams(self) -> bool:
        self.reading = True
        try:
            found = super()._streams()
        finally:
            self.reading = False
        batches, self.unread = self.unread, []
        for name, batch in batches:
            self._read(name, batch)
        return found or bool(self.unread)

    def _read(self, name: str, batch: list[dict[str, Any]]) -> None:
        """Give a batch to a reader of the stream; from where it failed, it comes again."""
        answer = self.attempt(name, lambda: World.run(self, name, {"Records": batch}))
        failed = [one["itemIdentifier"] for one in (answer or {}).get("batchItemFailures", [])]
        if answer is None or failed:
            numbers = [record["dynamodb"]["SequenceNumber"] for record in batch]
            self.unread.append((name, batch[numbers.index(failed[0]) if failed else 0 :]))


def bad_day(seed: int, workers: Mapping[str, Worker] | None = None) -> BadDay:
    """A deployment whose day follows from a seed; `build` it inside moto's mock."""
    return BadDay(Faults(random.Random(seed)), workers)
