"""Functions that run by the clock. A run may be late, doubled or skipped: the rule finds its work in the table."""

from collections.abc import Callable
from typing import Any

from drumbeat import clock
from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.invoke import observed
from drumbeat.logs import logger
from drumbeat.table import NewerFormat


def schedule(
    every: str,
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
    """Declare a regular run: `rate(1 minute)` or `cron(5 * * * ? *)`. The rule takes the business time."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="schedule", name=name, summary=summary, refusals=refusals, every=every, reads=reads, writes=writes,
            sends=sends, publishes=publishes, starts=starts, schedules=schedules, files=files, calls=calls,
            memory=memory, timeout=timeout,
        )  # fmt: skip

        def entry(event: Any, context: Any) -> dict[str, Any]:
            with observed(declaration) as facts:
                try:
                    facts["result"] = rule(clock.business())
                except NewerFormat:  # the next run looks again, by then perhaps as the newer release
                    logger.warning("waits for an upgrade", exc_info=True, extra={"function": name})
                    facts["result"] = None
            return {"result": facts["result"]}

        return Function(declaration, rule, entry)

    return declared
