"""Takes each condition of a write away and looks for a test that breaks (tests.conditions); a survivor is a failure.

Where it did not come to an end, the next run goes on: it begins with what was tried the longest time ago.
"""

import subprocess
import sys
import time

from rich.console import Console
from rich.table import Table

from tests.conditions.sites import ROOT


def run(until: float, console: Console, site: str | None = None) -> int:
    """The trials have a process of their own: they fork it, and this one may have threads."""
    asked = ["--site", site] if site else ["--minutes", str(max(0.0, until - time.monotonic()) / 60)]
    command = [sys.executable, "-m", "tests.conditions", *asked]
    shown = Table("condition", "broke without it")
    survived = 0
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as trials:
        assert trials.stdout is not None
        for line in trials.stdout:
            name, tab, test = line.rstrip("\n").partition("\t")
            if tab:
                shown.add_row(name, test)
                survived += test.startswith("SURVIVED")
            elif name:
                console.print(name, markup=False, highlight=False)
    console.print(shown)
    if trials.returncode not in (0, 1):
        console.print(f"the trials ended with {trials.returncode}")
        return survived + 1
    if survived:
        console.print(".venv/bin/python -m tests.soak conditions --site '<condition>' tries one again", markup=False)
    return survived
