"""Functions behind a URL of their own: providers call them back there. The rule gets the exact bytes, and verifies the
signature first. No URL that is signed carries a query, because function URLs re-encode it."""

from collections.abc import Callable
from typing import Any

from drumbeat.declare import Declaration, Files, Function, Limit, Queue, Stored, named
from drumbeat.http import Entry

# Providers send as fast as they send; only a flood is cut.
CALLBACKS = Limit("callbacks", 60_000)


def url(
    *,
    topics: tuple[str, ...] = (),
    reads: tuple[type[Stored], ...] = (),
    writes: tuple[type[Stored], ...] = (),
    sends: tuple[Queue, ...] = (),
    publishes: tuple[str, ...] = (),
    files: tuple[Files, ...] = (),
    calls: tuple[str, ...] = (),
    memory: int = 256,
    timeout: int = 15,
) -> Callable[[Callable[..., Any]], Function]:
    """Declare a function URL, and the SNS topics that post to it."""

    def declared(rule: Callable[..., Any]) -> Function:
        name, summary, refusals = named(rule)
        declaration = Declaration(
            kind="url", name=name, summary=summary, refusals=refusals, topics=topics, limit=CALLBACKS, reads=reads,
            writes=writes, sends=sends, publishes=publishes, files=files, calls=calls, memory=memory, timeout=timeout,
        )  # fmt: skip
        return Function(declaration, rule, Entry(declaration, rule))

    return declared
