"""Every hostile value in every field of every body (tests.hostile), in an order that the seed gives."""

import random
import time

from rich.console import Console

from tests.soak.engine import child


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Try until all is tried or the time is over; the number of answers that were wrong. All takes twenty minutes."""
    seed = seed if seed is not None else random.randrange(10_000)
    found = child.answer("tests.soak.engine.walk", {"seed": seed, "seconds": until - time.monotonic()})
    console.print(f"examples: {found.get('examples')}, with all values: {found.get('whole')}")
    for line in found["problems"]:
        console.print(f"  {line}", markup=False)
    if found["problems"]:
        console.print(f"again: .venv/bin/python -m tests.soak hostile --minutes 30 --seed {seed}", markup=False)
    return len(found["problems"])
