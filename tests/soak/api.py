"""The API against its document (tests.conformance): examples, boundaries, chance, and what answers lead to.

Two tenants, three roles, one after the other, each with another kind of requests first; 50 requests by chance for every
operation.
"""

import random
import time

from rich.console import Console
from rich.table import Table

from tests.soak.engine import child

EXAMPLES = 50
CALLERS = (
    ("acme, admin", ["examples", "fuzzing"]),
    ("globex, marketer", ["coverage"]),
    ("acme, analyst", ["fuzzing"]),
    ("globex, admin", ["stateful"]),
    ("acme, marketer", ["examples", "coverage", "fuzzing", "stateful"]),
)


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Ask as each caller for a share of the time; the number of failures."""
    seed = seed if seed is not None else random.randrange(10_000)
    shown, failed = Table("caller", "requests", "operations", "failures", "answers judged", title=f"seed {seed}"), 0
    for number, (caller, phases) in enumerate(CALLERS):
        seconds = (until - time.monotonic()) / (len(CALLERS) - number)
        if seconds < 1:
            break
        wanted = {"seed": seed, "seconds": seconds, "caller": caller, "phases": phases, "examples": EXAMPLES}
        found = child.answer("tests.soak.engine.schemes", wanted)
        problems = found["problems"]
        shown.add_row(caller, ", ".join(phases), str(found.get("routes")), str(len(problems)), str(found.get("judged")))
        failed += len(problems)
        for problem in problems:
            console.print(f"  {caller}: {problem}", markup=False)
    console.print(shown)
    if failed:
        console.print(f"again: .venv/bin/python -m tests.soak api --minutes 30 --seed {seed}", markup=False)
    return failed
