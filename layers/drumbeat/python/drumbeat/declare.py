"""How a function says when it runs and what it may touch. Decorators record a `Declaration`; infra reads it.

Nothing here runs anything: a declaration is plain data, so that the deployment, the permissions, the route table, the
OpenAPI document and the tests all come from the one line above the handler.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

Kind = Literal["http", "queue", "schedule", "on", "stream", "task", "url", "operator"]


class Stored(Protocol):
    """An entity of the table, as far as permissions go: the prefixes that its keys start with."""

    TYPE: ClassVar[str]
    INDEX_TYPES: ClassVar[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue with one consumer. Messages carry ids; the state is in the table."""

    name: str

    @property
    def variable(self) -> str:
        """The environment variable that holds its address in a function that may send to it."""
        return f"QUEUE_{self.name.upper()}"


@dataclass(frozen=True, slots=True)
class Machine:
    """A Step Functions machine that runs its one task in rounds: task, then wait, until the task says that it is done.

    The task gets the state (a JSON object) and gives the next one. Keys that the machine itself reads:
    `done` (true ends it) and `wait_seconds` (before the next round). One that `waits_first` is started with
    `wait_seconds`, whatever they are: with one round it costs four state transitions.
    """

    name: str
    waits_first: bool = False

    @property
    def variable(self) -> str:
        return f"MACHINE_{self.name.upper()}"


@dataclass(frozen=True, slots=True)
class Files:
    """A folder of the tenant-data bucket, `<name>/<tenant>/…`, and what a function may do there."""

    name: str
    read: bool = True
    write: bool = True


@dataclass(frozen=True, slots=True)
class Limit:
    """A class of requests, and how many of them one credential (or, on routes without one, one address) may make a
    minute."""

    name: str
    per_minute: int


@dataclass(frozen=True, slots=True)
class Declaration:
    """All that the deployment knows of a function besides its code.

    `reads` and `writes` name entities and become permissions on their keys; `calls` are actions of other AWS services
    (`ses:SendBulkEmail`) whose resources infra knows; `publishes` are event types, which leave by the outbox. A
    listener's events are our own, or those of the outside whose source begins with `sources`.
    """

    kind: Kind
    name: str
    summary: str
    refusals: str
    route: str | None = None
    scope: str | None = None
    limit: Limit | None = None
    status: int = 200
    reads: tuple[type[Stored], ...] = ()
    writes: tuple[type[Stored], ...] = ()
    sends: tuple[Queue, ...] = ()
    publishes: tuple[str, ...] = ()
    starts: tuple[Machine, ...] = ()
    schedules: tuple[Queue, ...] = ()
    files: tuple[Files, ...] = ()
    calls: tuple[str, ...] = ()
    signs: bool = False
    memory: int = 256
    timeout: int = 10
    queue: Queue | None = None
    batch: int = 1
    window: int = 0
    concurrency: int | None = None
    topics: tuple[str, ...] = ()
    every: str | None = None
    events: tuple[str, ...] = ()
    sources: str | None = None
    machine: Machine | None = None
    stream_types: tuple[str, ...] = ()
    stream_events: tuple[str, ...] = ("INSERT", "MODIFY", "REMOVE")
    stream_where: dict[str, list[Any]] = field(default_factory=dict)
    cors: bool = False

    def stream_filters(self, type_: str) -> tuple[tuple[str, ...], ...]:
        """What a reader wants of a type: (attribute, its DynamoDB type, values…), one of which must fit; none: all."""
        where = self.stream_where.get(type_)
        if not where:
            return ()
        return tuple(map(tuple, where)) if isinstance(where[0], list) else (tuple(where),)

    def passes(self, type_: str, name: str, image: Mapping[str, Any]) -> bool:
        """Whether a change (INSERT, MODIFY, REMOVE) of an item of a type reaches the reader, by its new image."""
        if type_ not in self.stream_types or name not in self.stream_events:
            return False
        wanted = self.stream_filters(type_)
        return not wanted or any(image.get(one, {}).get(kind) in values for one, kind, *values in wanted)

    @property
    def context(self) -> str:
        return self.name.split(".")[0]


@dataclass(frozen=True, slots=True)
class Function:
    """A deployed function: Lambda calls it; tests and infra look at what it declares and at the rule that it wraps."""

    declaration: Declaration
    rule: Callable[..., Any]
    entry: Callable[[Any, Any], Any]

    def __call__(self, event: Any, context: Any) -> Any:
        return self.entry(event, context)


def named(rule: Callable[..., Any]) -> tuple[str, str, str]:
    """The name (`contacts.create_contact`), summary and refusals of the function in whose file this rule stands.

    The file's path is the name. On Lambda the asset is the single file, without its folder: there `FUNCTION` says it.
    """
    module = sys.modules[rule.__module__]
    path = rule.__code__.co_filename.replace("\\", "/").removesuffix(".py").split("/")
    name = os.environ.get("FUNCTION") or ".".join(path[-2:])
    return name, (module.__doc__ or "").strip().split("\n")[0], (rule.__doc__ or "").strip()
