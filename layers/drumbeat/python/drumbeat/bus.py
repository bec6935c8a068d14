"""Functions that react to events of the bus: how contexts below are heard by those above, and other systems by us. An
event may come twice.

Who may put events on our bus can give them any type and any detail. So a listener hears either what we say (source
`drumbeat`) or what comes under the sources that it names.
"""

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
    sources: str | None = None,
    memory: int = 256,
    timeout: int = 60,
) -> Callable[[Callable[..., Any]], Function]:
    """Declare a listener to these event types. The rule takes the event's frame; with `sources`, which is how the
    sources of another system's events begin, EventBridge's whole envelope: it says who sent the event."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="on", name=name, summary=summary, refusals=refusals, events=events, sources=sources, reads=reads,
            writes=writes, sends=sends, publishes=publishes, starts=starts, schedules=schedules, files=files,
            calls=calls, memory=memory, timeout=timeout,
        )  # fmt: skip

        def entry(event: Any, context: Any) -> dict[str, Any]:
            said = event["detail"] if sources is None else event
            with observed(declaration, event_type=event["detail-type"]), tenancy.only(tenant_of(said)):
                rule(said)
            return {}

        return Function(declaration, rule, entry)

    return declared
