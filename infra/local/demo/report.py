"""The demo's figures: ours beside the truth, as a table and as `.local/demo.json`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MEANING = {
    "contacts": "contacts, from the file",
    "eligible": "in the segment, with consent",
    "accepted": "mails that the provider took",
    "duplicates": "people who got it twice",
    "missing": "people who should have got it and did not",
    "delivered": "delivered",
    "opened": "opened by people",
    "clicked": "clicked by people",
    "bounced": "bounced",
    "complained": "complained",
    "unsubscribed": "unsubscribed",
}


@dataclass(frozen=True)
class Figures:
    """One side of the comparison."""

    contacts: int
    eligible: int
    accepted: int
    duplicates: int
    missing: int
    delivered: int
    opened: int
    clicked: int
    bounced: int
    complained: int
    unsubscribed: int
    seconds: float = 0.0


def agree(ours: Figures, truth: Figures) -> bool:
    """Whether every figure but the time is the same."""
    return all(getattr(ours, name) == getattr(truth, name) for name in MEANING)


def show(console: Console, ours: Figures, truth: Figures, left_out: dict[str, int]) -> None:
    table = Table(title="What happened", title_justify="left")
    for title in ("", "Drumbeat", "simulator's log", ""):
        table.add_column(title, justify="left" if not title else "right")
    for name, meaning in MEANING.items():
        mine, real = getattr(ours, name), getattr(truth, name)
        mark = "[green]✓[/]" if mine == real else "[bold red]differs[/]"
        table.add_row(meaning, f"{mine:,}", f"{real:,}", mark)
    console.print(table)
    for reason, number in sorted(left_out.items()):
        console.print(f"  not sent because of {reason.replace('_', ' ')}: {number:,}", highlight=False)


def write(file: Path, ours: Figures, truth: Figures, addresses: dict[str, Any]) -> None:
    """For programs: our figures, `truth` with the same keys, and where to look around."""
    file.write_text(json.dumps({**asdict(ours), "truth": asdict(truth), "addresses": addresses}, indent=2) + "\n")
