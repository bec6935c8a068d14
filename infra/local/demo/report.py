"""The demo's figures: ours beside the truth, as a table and as `.local/demo.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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


@dataclass(frozen=True)
class Part:
    """A part of what happened: what figures mean, by name, ours and true, and who was left out by reason."""

    title: str
    meaning: Mapping[str, str]
    ours: Mapping[str, int]
    truth: Mapping[str, int]
    left_out: Mapping[str, int] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether every figure is the same."""
        return all(self.ours[name] == self.truth[name] for name in self.meaning)


def newsletter(ours: Figures, truth: Figures, left_out: dict[str, int]) -> Part:
    """The campaign by mail."""
    return Part("Newsletter", MEANING, asdict(ours), asdict(truth), left_out)


def show(console: Console, parts: Sequence[Part]) -> None:
    for part in parts:
        table = Table(title=part.title, title_justify="left")
        for title in ("", "Drumbeat", "simulator's log", ""):
            table.add_column(title, justify="left" if not title else "right")
        for name, meaning in part.meaning.items():
            mine, real = part.ours[name], part.truth[name]
            mark = "[green]✓[/]" if mine == real else "[bold red]differs[/]"
            table.add_row(meaning, f"{mine:,}", f"{real:,}", mark)
        console.print(table)
        for reason, number in sorted(part.left_out.items()):
            console.print(f"  not sent because of {reason.replace('_', ' ')}: {number:,}", highlight=False)


def write(file: Path, ours: Figures, truth: Figures, others: Sequence[Part], addresses: dict[str, Any]) -> None:
    """For programs: our figures of the newsletter, `truth` with the same keys, the other parts by title in the same
    way, and where to look around."""
    parts = {part.title.lower().replace(" ", "_"): {**part.ours, "truth": dict(part.truth)} for part in others}
    said = {**asdict(ours), "truth": asdict(truth), **parts, "addresses": addresses}
    file.write_text(json.dumps(said, indent=2) + "\n")
