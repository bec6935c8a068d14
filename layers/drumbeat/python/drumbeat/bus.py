"""Functions that react to events of the bus: how contexts below are heard by those above. An event may come twice."""

from collections.abc import Callable
from typing import Any

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import observed, tenant_of
from drumbeat.table import tenancy


def on(
    *events: str,
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
    """Declare a listener to these event types. The rule takes the event's frame."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="on", name=name, summary=summary, refusals=refusals, events=events, reads=reads, writes=writes,
            sends=sends, publishes=publishes, starts=starts, schedules=schedules, files=files, calls=calls,
            memory=memory, timeout=timeout,
        )  # fmt: skip

        def entry(event: Any, context: Any) -> dict[str, Any]:
            detail = event["detail"]
            with observed(declaration, event_type=event["detail-type"]), tenancy.only(tenant_of(detail)):
                rule(detail)
            return {}

        return Function(declaration, rule, entry)

    return declared
