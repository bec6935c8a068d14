"""Seeds of an upgrade in the middle of sends, twenty a time; numbers go on where `make test` ends."""

import itertools
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.harness import ROOT

FIRST, A_TIME = 1001, 20


def run(until: float, console: Console, seed: int | None = None) -> int:
    """Play seeds until `until` (of time.monotonic), or the one `seed`; gives how many failed."""
    ranges: Iterable[str] = [str(seed)] if seed else (f"{n}-{n + A_TIME - 1}" for n in itertools.count(FIRST, A_TIME))
    failed, calls = 0, Counter[str]()
    for seeds in ranges:
        if seed is None and time.monotonic() >= until:
            break
        command = [sys.executable, "-m", "tests.simulation.upgrade", seeds]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        *lines, last = ended.stdout.splitlines() or ["{}"]
        console.print("\n".join([f"seeds {seeds}", *lines]), markup=False, highlight=False)
        told = json.loads(last) if last.startswith("{") else {}
        if not told:
            console.print(ended.stderr, markup=False, highlight=False)
        failed += int(told.get("failed", 1))
        calls.update(told.get("calls", {}))
    table = Table(title=f"upgrades in the middle of sends, {failed} failed")
    table.add_column("what was called")
    table.add_column("times", justify="right")
    for name, times in sorted(calls.items()):
        table.add_row(name, f"{times:,}")
    console.print(table)
    return failed
