"""Seeds of the simulation with 10,000 recipients each, in as many processes as there are processors.

Numbers go on where `make test` ends; each seed prints how it ended, a failing one also the command that plays it again.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from tests.harness import ROOT

# Behind the seeds of `make test`; two tenants with so many people each.
FIRST, PEOPLE = 1001, 5_000


@dataclass(frozen=True)
class Kind:
    """What is played: the words of its command, and what its seeds have so many of."""

    command: tuple[str, ...]
    people: int
    shown: str


SENDS = Kind((), PEOPLE, f"{2 * PEOPLE} recipients")


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Play seeds until `until` (of time.monotonic), or the one `seed`; gives how many failed."""
    return play(SENDS, until, console, seed)


def play(kind: Kind, until: float, console: Console, seed: int | None) -> int:
    """The same for a kind of seeds."""
    seeds: Iterator[int] = itertools.count(FIRST) if seed is None else iter([seed])
    played, failed, happened = 0, 0, Counter[str]()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running: set[Future[tuple[bool, str]]] = set()
        while True:
            while len(running) < (os.cpu_count() or 1) and (seed is not None or time.monotonic() < until):
                following = next(seeds, None)
                if following is None:
                    break
                running.add(pool.submit(_play, kind, following))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for right, said in (future.result() for future in done):
                played, failed = played + 1, failed + (not right)
                lines = said.splitlines()
                if right:
                    happened.update(json.loads(lines[-1])["happened"])
                console.print("\n".join(lines[:-1] if right else lines), markup=False, highlight=False)
    console.print(_table(kind, played, failed, happened))
    return failed


def _play(kind: Kind, seed: int) -> tuple[bool, str]:
    """Whether a seed is right, and what it said."""
    command = [sys.executable, "-m", "tests.simulation", *kind.command, str(seed), "--people", str(kind.people)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    said = ended.stdout if ended.returncode == 0 else f"{ended.stdout}{ended.stderr}"
    return ended.returncode == 0, said


def _table(kind: Kind, played: int, failed: int, happened: Counter[str]) -> Table:
    table = Table(title=f"{played} seeds with {kind.shown}, {failed} failed")
    table.add_column("what happened")
    table.add_column("times", justify="right")
    for name, times in sorted(happened.items()):
        table.add_row(name, f"{times}")
    return table
