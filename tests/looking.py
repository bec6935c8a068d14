"""Asking for something changes nothing: whoever sends a GET, a person, a scanner or a browser that fetches ahead.

What may change is listed here: windows of rate limits, and figures that are worked out anew from what they are of.
Opens and clicks are no change: they are told to the feedback queue, where they are measured.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests import rewind

# Rows that any request may write, and the attributes of others that hold derived figures.
WINDOWS = frozenset({"RATE"})
FIGURES: dict[str, frozenset[str]] = {
    "SEGMENT": frozenset({"figures", "counted_at", "days", "att"}),
    "MARKETING": frozenset({"figures", "figures_at", "att"}),
    "ROLLUPS": frozenset({"*"}),  # a send's sums, as of when they were added up
    "PERFORMANCE": frozenset({"*"}),  # a journey's, likewise
}
MEASUREMENTS = "drumbeat-feedback"
Rows = dict[tuple[str, str], dict[str, Any]]


@contextmanager
def only(route: str) -> Iterator[None]:
    """Fail when a GET changes anything but what is listed."""
    if not route.startswith("GET "):
        yield
        return
    before, effects = rewind.rows(), _effects()
    yield
    found = changes(before, rewind.rows())
    if _effects() != effects:
        found.append(f"{_effects()} instead of {effects}")
    assert not found, f"{route} changed something: {found}"


def changes(before: Rows, after: Rows) -> list[str]:
    """What differs, but for what is listed."""
    found = []
    for key in before.keys() | after.keys():
        kind, one, other = key[0].split("#")[0], before.get(key, {}), after.get(key, {})
        allowed = FIGURES.get(kind, frozenset())
        names = {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
        if names and kind not in WINDOWS and "*" not in allowed and not (one and other and names <= allowed):
            found.append(f"{key}: {sorted(names - allowed)}")
    return sorted(found)


def _effects() -> dict[str, int]:
    """How much of everything else there is: messages, executions, schedules, files, mails."""
    return {
        "messages": sum(
            len(queue.messages) for name, queue in rewind.backend("sqs").queues.items() if name != MEASUREMENTS
        ),
        "executions": sum(len(machine.executions) for machine in rewind.backend("stepfunctions").state_machines),
        "schedules": sum(len(group.schedules) for group in rewind.backend("scheduler").schedule_groups.values()),
        "files": sum(len(list(bucket.keys.keys())) for bucket in rewind.backend("s3").buckets.values()),
        "mails": len(rewind.backend("ses").sent_messages),
    }
