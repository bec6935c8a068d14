"""Tasks of Step Functions machines. A task may be repeated: its effects are conditional writes.

A round that meets an item of a newer release (NewerFormat) is done again in a minute, from the same state: the machine
waits, which costs it none of its retries.
"""

from collections.abc import Callable
from typing import Any

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import observed, tenant_of
from drumbeat.logs import logger
from drumbeat.table import NewerFormat, tenancy

UPGRADE = {"waits_for_upgrade": True, "wait_seconds": 60}


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
                before = _without_wait(event)
                try:
                    with tenancy.only(tenant_of(before)):
                        state = rule(before)
                except NewerFormat:
                    logger.warning("waits for an upgrade", exc_info=True, extra={"function": name})
                    state = {**before, **UPGRADE}
                facts["done"] = state.get("done")
            return state

        return Function(declaration, rule, entry)

    return declared


def _without_wait(state: dict[str, Any]) -> dict[str, Any]:
    """The state as it was before the round waited for an upgrade."""
    waited = state.get("waits_for_upgrade")
    return {key: value for key, value in state.items() if key not in UPGRADE} if waited else state
