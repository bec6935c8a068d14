"""Functions that read the table's stream. Records come at least once, in order for each item, not between items.

At most two functions may read it. The rule takes the batch and gives the position of the first record that failed, or
None: everything from there on comes again. When it raises, it gets each record alone, so that those behind the one that
made it raise are not held up by it, but for those of the same item. Lambda gives the rest of the batch to the bucket
after nine tries, from where `make replay` brings it back.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import observed
from drumbeat.logs import counted, logger


@dataclass(frozen=True, slots=True)
class Record:
    """A change of an item: `name` is INSERT, MODIFY or REMOVE; images are raw items, empty where there is none."""

    name: str
    pk: str
    sk: str
    old: dict[str, Any]
    new: dict[str, Any]


def stream(
    *types: str,
    names: tuple[str, ...] = ("INSERT", "MODIFY", "REMOVE"),
    where: Mapping[str, list[Any]] | None = None,
    batch: int = 100,
    window: int = 0,
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
    """Declare a reader of changes to items whose keys start with these types.

    `where` narrows a type by its new image, in the words of Lambda's filters: `{"TIMELINE": ["bus", "N", "1"]}`
    takes only timeline items whose attribute `bus` is the number 1. A list of such lists takes what fits any of them.
    """

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="stream", name=name, summary=summary, refusals=refusals, stream_types=types, stream_events=names,
            stream_where=dict(where or {}), batch=batch, window=window, reads=reads, writes=writes, sends=sends,
            publishes=publishes, starts=starts, schedules=schedules, files=files, calls=calls, memory=memory,
            timeout=timeout,
        )  # fmt: skip
        return Function(declaration, rule, _Entry(declaration, rule))

    return declared


class _Entry:
    def __init__(self, declaration: Declaration, rule: Callable[..., Any]) -> None:
        self.declaration, self.rule = declaration, rule

    def __call__(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        records = event["Records"]
        with observed(self.declaration, records=len(records)) as facts:
            failed = self._read([_record(record) for record in records])
            facts["failed_from"] = failed
            if failed is not None:
                counted("FailedBatches")
        if failed is None:
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": records[failed]["dynamodb"]["SequenceNumber"]}]}

    def _read(self, records: list[Record]) -> int | None:
        """The position of the first that failed."""
        try:
            first: int | None = self.rule(records)
        except Exception:
            logger.exception("records failed", extra={"function": self.declaration.name, "records": len(records)})
            return self._alone(records) if len(records) > 1 else 0
        return first

    def _alone(self, records: list[Record]) -> int | None:
        """The position of the first that fails alone. Half of the function's time may go by with that. What follows on
        an item's record that failed waits with it."""
        failed: dict[tuple[str, str], int] = {}
        until = time.monotonic() + self.declaration.timeout / 2
        for position, record in enumerate(records):
            item = record.pk, record.sk
            if item not in failed and (time.monotonic() > until or self._read([record]) is not None):
                failed[item] = position
        return min(failed.values(), default=None)


def _record(record: Mapping[str, Any]) -> Record:
    change = record["dynamodb"]
    keys = change["Keys"]
    return Record(
        record["eventName"], keys["pk"]["S"], keys["sk"]["S"], change.get("OldImage", {}), change.get("NewImage", {})
    )
