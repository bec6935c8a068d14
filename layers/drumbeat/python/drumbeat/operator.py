"""Functions for whoever runs the deployment: invoked with IAM, without a route."""

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from drumbeat.declare import Declaration, Files, Function, Machine, Queue, Stored, named
from drumbeat.errors import Refusal
from drumbeat.invoke import argument, observed


def operator(
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
    """Declare a function of the operator's. The rule takes a model and gives one."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="operator", name=name, summary=summary, refusals=refusals, reads=reads, writes=writes,
            sends=sends, publishes=publishes, starts=starts, schedules=schedules, files=files, calls=calls,
            memory=memory, timeout=timeout,
        )  # fmt: skip

        adapter, _ = argument(rule)

        def entry(event: Any, context: Any) -> Any:
            with observed(declaration):
                try:
                    return {"data": to_jsonable_python(rule(adapter.validate_python(event)))}
                except ValidationError as error:
                    return {"error": {"code": "VALIDATION_ERROR", "message": str(error)}}
                except Refusal as refusal:
                    return {"error": {"code": refusal.code, "message": refusal.message}}

        return Function(declaration, rule, entry)

    return declared
