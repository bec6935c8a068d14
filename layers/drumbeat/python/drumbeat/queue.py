"""Functions that work off a queue. A message may come twice, late or never; what fails comes again, alone.

The rule takes one message, or (`list[Message]`) the whole batch; then it gives the positions that failed, if any.

SQS counts how often it hands a message out, whatever the reason, and the fifth failure is the last. So a message that
meets an item of a newer release (NewerFormat) stays hidden for a quarter of an hour each time: five of them outlast an
upgrade.
"""

import os
import time
from collections.abc import Callable
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError
from pydantic_core import from_json

from drumbeat.aws import client
from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import argument, observed, tenant_of
from drumbeat.logs import counted, logger
from drumbeat.queues import MOST_IN_BATCH
from drumbeat.table import NewerFormat, tenancy

# SES says so in plain text to every topic that it is pointed at.
GREETING = "Successfully validated SNS topic"
UPGRADE = 900  # seconds until the other release is everywhere, or else the next try


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
            failed |= self._all(read, records) if self.whole else self._each(read, records)
            facts["failed"] = len(failed)
            if failed:
                facts["failed_messages"] = [records[place]["messageId"] for place in sorted(failed)]
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
                self._complain("unreadable message", [record])
                failed.add(place)
        return read, failed

    def _each(self, read: dict[int, Any], records: list[dict[str, Any]]) -> set[int]:
        failed = set()
        for place, message in read.items():
            try:
                with tenancy.only(tenant_of(message)):
                    self.rule(message)
            except NewerFormat:
                self._hide([records[place]])
                failed.add(place)
            except Exception:
                self._complain("message failed", [records[place]])
                failed.add(place)
        return failed

    def _all(self, read: dict[int, Any], records: list[dict[str, Any]]) -> set[int]:
        """When the rule raises, the batch is halved until who made it raise stands alone: the others must not fail as
        often as that one. Half of the function's time may go by with that."""
        failed: set[int] = set()
        parts, until = [list(read)], time.monotonic() + self.declaration.timeout / 2
        while parts:
            places = parts.pop()
            chosen = [records[place] for place in places]
            try:
                failed |= {places[position] for position in self.rule([read[place] for place in places]) or ()}
            except Exception as error:
                if len(places) > 1 and time.monotonic() < until:
                    logger.warning("batch is halved", exc_info=True, extra={"function": self.declaration.name})
                    parts += [places[: len(places) // 2], places[len(places) // 2 :]]
                    continue
                failed |= set(places)
                if isinstance(error, NewerFormat):
                    self._hide(chosen)
                else:
                    self._complain("batch failed", chosen)
        return failed

    def _complain(self, what: str, records: list[dict[str, Any]]) -> None:
        """The exception, with the messages' ids: by them the operator finds why a message was given up."""
        ids = [record["messageId"] for record in records]
        logger.exception(what, extra={"function": self.declaration.name, "messages": ids})

    def _hide(self, records: list[dict[str, Any]]) -> None:
        """Let messages come again when the upgrade is over. What cannot be hidden comes again sooner."""
        logger.warning("messages wait for an upgrade", exc_info=True, extra={"function": self.declaration.name})
        queue_ = cast(Queue, self.declaration.queue)
        for start in range(0, len(records), MOST_IN_BATCH):
            entries = [
                {"Id": str(place), "ReceiptHandle": record["receiptHandle"], "VisibilityTimeout": UPGRADE}
                for place, record in enumerate(records[start : start + MOST_IN_BATCH])
            ]
            try:
                client("sqs").change_message_visibility_batch(QueueUrl=os.environ[queue_.variable], Entries=entries)
            except (BotoCoreError, ClientError):
                logger.warning("messages come again sooner", exc_info=True, extra={"function": self.declaration.name})
