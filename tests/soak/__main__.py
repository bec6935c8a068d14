"""Runs the parts one after another, each for its share of the time; ends with 1 when one of them has failures."""

import argparse
import importlib
import inspect
import pkgutil
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tests import soak


def parts() -> dict[str, Any]:
    """The functions `run` by the names of their modules."""
    names = [module.name for module in pkgutil.iter_modules(soak.__path__) if module.name != "__main__"]
    modules = {name: importlib.import_module(f"{soak.__name__}.{name}") for name in sorted(names)}
    return {name: module.run for name, module in modules.items() if callable(getattr(module, "run", None))}


@contextmanager
def shown(name: str, seconds: float, console: Console) -> Iterator[None]:
    """A bar of the part's time, on a terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    ended = threading.Event()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task, began = progress.add_task(name, total=seconds), time.monotonic()

        def move() -> None:
            while not ended.wait(0.5):
                progress.update(task, completed=min(seconds, time.monotonic() - began))

        mover = threading.Thread(target=move, daemon=True, name="progress")
        mover.start()
        try:
            yield
        finally:
            ended.set()
            mover.join()


def main() -> int:
    known = parts()
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("part", nargs="?", choices=sorted(known), help="one part only")
    parser.add_argument("--minutes", type=float, default=10.0, help="for all parts together (10)")
    parser.add_argument("--seed", type=int, help="try this seed only")
    parser.add_argument("--site", help="take this condition away only (part conditions)")
    asked = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    chosen = [asked.part] if asked.part else sorted(known)
    end, failures = time.monotonic() + 60 * asked.minutes, 0
    for place, name in enumerate(chosen):
        left = max(0.0, end - time.monotonic()) / (len(chosen) - place)
        console.rule(f"{name}, {left / 60:.1f} minutes")
        takes = inspect.signature(known[name]).parameters
        given = {option: getattr(asked, option) for option in ("seed", "site") if option in takes}
        with shown(name, left, console):
            failures += known[name](time.monotonic() + left, console, **given)
    console.print(f"{failures} failures" if failures else "no failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
