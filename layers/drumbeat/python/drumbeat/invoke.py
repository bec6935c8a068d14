"""What every function that is not an API route has around its rule: a log line, metrics, and no exception that escapes
where the caller would only lose it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter

from drumbeat.declare import Declaration
from drumbeat.fields import reader
from drumbeat.logs import flush, logger


@contextmanager
def observed(declaration: Declaration, **facts: Any) -> Iterator[dict[str, Any]]:
    """Log one line with the duration and what the body adds to the given dict."""
    started = time.perf_counter()
    try:
        yield facts
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        logger.info(
            declaration.kind, extra={"function": declaration.name, "duration_ms": round(milliseconds, 2), **facts}
        )
        flush()


def tenant_of(said: Any) -> str:
    """The tenant that a message, a machine's state or an event's frame names: its work is that tenant's. Empty for work
    that is everyone's."""
    if not isinstance(said, dict):
        named = getattr(said, "tenant", "")
    elif "metadata" in said:
        named = said["metadata"].get("tenant_id")
    else:
        named = said.get("tenant")
    return named if isinstance(named, str) else ""


def argument(rule: Callable[..., Any]) -> tuple[TypeAdapter[Any], bool]:
    """How a rule's first argument is read, and whether it takes a whole batch (`list[…]`)."""
    hints = get_type_hints(rule)
    hints.pop("return", None)
    kind = next(iter(hints.values()))
    whole = get_origin(kind) is list
    return reader(get_args(kind)[0] if whole else kind), whole
