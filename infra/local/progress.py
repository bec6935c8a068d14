"""Shows how far a start is: a bar on a terminal, one line a phase elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

Step = Callable[[], None]


class Phases:
    """Phases of a start, one after the other."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True)

    @contextlib.contextmanager
    def phase(self, title: str, steps: int | None = None) -> Iterator[Step]:
        """One phase; the yielded function counts a step of it as done."""
        if not self.console.is_terminal:
            began = time.monotonic()
            yield lambda: None
            self.console.print(f"{title}: {time.monotonic() - began:.1f} s", highlight=False)
            return
        columns = [SpinnerColumn(finished_text="✓"), TextColumn("{task.description:<24}"), BarColumn(bar_width=32)]
        with Progress(*columns, MofNCompleteColumn(), TimeElapsedColumn(), console=self.console) as bar:
            task = bar.add_task(title, total=steps or 1)
            yield lambda: bar.advance(task)
            bar.update(task, completed=steps or 1)
