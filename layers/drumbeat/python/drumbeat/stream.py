"""Functions that read the table's stream. Records come at least once, in order for each item, not between items.

At most two functions may read it. The rule takes the batch and gives the position of the first record that failed, or
None: everything from there on comes again.
"""

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
    takes only
    timeline items whose attribute `bus` is the number 1.
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
            try:
                failed = self.rule([_record(record) for record in records])
            except Exception:
                logger.exception("records failed", extra={"function": self.declaration.name})
                failed = 0
            facts["failed_from"] = failed
            if failed is not None:
                counted("FailedBatches")
        if failed is None:
            return {"batchItemFailures": []}
        return {"batchItemFailures": [{"itemIdentifier": records[failed]["dynamodb"]["SequenceNumber"]}]}


def _record(record: Mapping[str, Any]) -> Record:
    change = record["dynamodb"]
    keys = change["Keys"]
    return Record(
        record["eventName"], keys["pk"]["S"], keys["sk"]["S"], change.get("OldImage", {}), change.get("NewImage", {})
    )
