"""Tasks of Step Functions machines. A task may be repeated: its effects are conditional writes."""

from collections.abc import Callable
from typing import Any

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import observed


def task(
    machine: Machine,
    *,
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
    """Declare the task that a machine runs in rounds. The rule takes the state and gives the next (see `Machine`)."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="task", name=name, summary=summary, refusals=refusals, machine=machine, reads=reads, writes=writes,
            sends=sends, publishes=publishes, starts=starts, schedules=schedules, files=files, calls=calls,
            memory=memory, timeout=timeout,
        )  # fmt: skip

        def entry(event: Any, context: Any) -> Any:
            with observed(declaration) as facts:
                state = rule(event)
                facts["done"] = state.get("done")
            return state

        return Function(declaration, rule, entry)

    return declared
