"""Functions that work off a queue. A message may come twice, late or never; what fails comes again, alone.

The rule takes one message, or (`list[Message]`) the whole batch; then it gives the positions that failed, if any.
"""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import argument, observed
from drumbeat.logs import counted, logger

# SES says so in plain text to every topic that it is pointed at.
GREETING = "Successfully validated SNS topic"


def queue(
    consumes: Queue,
    *,
    batch: int = 1,
    window: int = 0,
    concurrency: int | None = None,
    topics: tuple[str, ...] = (),
    reads: tuple[type[Stored], ...] = (),
    writes: tuple[type[Stored], ...] = (),
    sends: tuple[Queue, ...] = (),
    publishes: tuple[str, ...] = (),
    starts: tuple[Machine, ...] = (),
    schedules: tuple[Queue, ...] = (),
    files: tuple[Files, ...] = (),
    calls: tuple[str, ...] = (),
    memory: int = 256,
    timeout: int = 60,
) -> Callable[[Callable[..., Any]], Function]:
    """Declare the consumer of a queue: `batch` messages at most (or what came in `window` seconds), `concurrency`
    instances at most (SQS's MaximumConcurrency), and the SNS topics whose messages it gets raw."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="queue", name=name, summary=summary, refusals=refusals, queue=consumes, batch=batch, window=window,
            concurrency=concurrency, topics=topics, reads=reads, writes=writes, sends=sends, publishes=publishes,
            starts=starts, schedules=schedules, files=files, calls=calls, memory=memory, timeout=timeout,
        )  # fmt: skip
        return Function(declaration, rule, _Entry(declaration, rule))

    return declared


class _Entry:
    def __init__(self, declaration: Declaration, rule: Callable[..., Any]) -> None:
        self.declaration, self.rule = declaration, rule
        self.message, self.whole = argument(rule)

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event["Records"]
        with observed(self.declaration, messages=len(records)) as facts:
            read, failed = self._read(records)
            failed |= self._all(read) if self.whole else self._each(read)
            facts["failed"] = len(failed)
            if failed:
                counted("FailedMessages", len(failed))
        return {"batchItemFailures": [{"itemIdentifier": records[place]["messageId"]} for place in sorted(failed)]}

    def _read(self, records: list[dict[str, Any]]) -> tuple[dict[int, Any], set[int]]:
        """Messages by position; one that cannot be read goes to the dead-letter queue after its retries."""
        read: dict[int, Any] = {}
        failed: set[int] = set()
        for place, record in enumerate(records):
            if self.declaration.topics and record["body"].startswith(GREETING):
                continue
            try:
                read[place] = self.message.validate_python(from_json(record["body"]))
            except (ValueError, ValidationError):
                logger.exception("unreadable message", extra={"function": self.declaration.name})
                failed.add(place)
        return read, failed

    def _each(self, read: dict[int, Any]) -> set[int]:
        failed = set()
        for place, message in read.items():
            try:
                self.rule(message)
            except Exception:
                logger.exception("message failed", extra={"function": self.declaration.name})
                failed.add(place)
        return failed

    def _all(self, read: dict[int, Any]) -> set[int]:
        places = list(read)
        try:
            return {places[position] for position in self.rule(list(read.values())) or ()}
        except Exception:
            logger.exception("batch failed", extra={"function": self.declaration.name})
            return set(places)
