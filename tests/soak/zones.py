"""Quiet hours around every change of clocks of 2024 to 2030, in every zone and in pairs of them; then again, at other
moments."""

import random
import time

from rich.console import Console

from tests import zones


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Rounds over all zones until the time is over, the first one whole; with `seed` that one only."""
    found, tried, number, everywhere = 0, 0, seed or 0, zones.names()
    while True:
        chance = random.Random(number)
        for name in everywhere:
            for change in zones.changes(name):
                for at in zones.around(change, chance, 3):
                    week, other = chance.choice(zones.WEEKS), chance.choice(everywhere)
                    problems = [problem for who in ((name,), (name, other)) if (problem := zones.broken(week, who, at))]
                    tried, found = tried + 2, found + len(problems)
                    for problem in problems:
                        console.print(f"seed {number}: {problem}", markup=False)
        number += 1
        if seed is not None or time.monotonic() > until or found:
            break
    console.print(f"{tried} moments around changes of clocks")
    return found
