"""What an import carried over and what it could not: counts by place in the file, kept with the import's progress."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from drumbeat.contacts.imports.said import Said
from drumbeat.errors import Detail
from drumbeat.fields import View

# An item has 400 KB; a file can have another key in each of its lines.
MOST_LINES = 600
OTHERS = "(others)"
OPT_OUTS = "opt-outs of addresses that no contact got"
REJECTED = "row rejected: "


class CarriedView(View):
    """A part of the file that became something: in how many rows."""

    source: str
    target: str
    rows: int


class LeftOutView(View):
    """A part of the file that became nothing: why, and in how many rows."""

    source: str
    reason: str
    rows: int


class ReportView(View):
    """What was carried over, and what was not. A rejected row counts under `left_out` only, by what was wrong with it,
    but the opt-out of its address is kept as a suppression; rows of people who were to be skipped count nowhere."""

    carried_over: list[CarriedView]
    left_out: list[LeftOutView]


@dataclass
class Tally:
    """The counts of a slice."""

    carried: Counter[tuple[str, str]] = field(default_factory=Counter)
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter)

    def take(self, said: Said, without: str = "") -> None:
        """A row that was imported, but for one field. What comes twice in a row counts once."""
        self.carried.update(dict.fromkeys((pair for pair in said.carried if pair[1] != without), 1))
        self.left_out.update(dict.fromkeys(said.left_out, 1))

    def suppress(self, addresses: int) -> None:
        """Opt-outs that became suppressions."""
        if addresses:
            self.carried[OPT_OUTS, "suppression"] += addresses

    def leave(self, source: str, reason: str) -> None:
        self.left_out[source, reason] += 1

    def reject(self, problems: Iterable[Detail]) -> None:
        """A row that was not imported."""
        self.left_out.update(dict.fromkeys(((one.field, REJECTED + one.message) for one in problems), 1))

    def onto(self, stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """The import's counts with those of the slice, as they are stored."""
        held = stored or {}
        return {name: _added(held.get(name) or [], getattr(self, name)) for name in ("carried", "left_out")}


def _added(stored: Iterable[list[Any]], more: Counter[tuple[str, str]]) -> list[list[Any]]:
    """In the order in which they were met first, which is the order of the file's columns."""
    total: dict[tuple[str, str], int] = {(source, what): number for source, what, number in stored}
    for (source, what), number in more.items():
        key = (source[:128], what[:300])
        if key not in total and len(total) >= MOST_LINES:
            key = (OTHERS, OTHERS)
        total[key] = total.get(key, 0) + number
    return [[source, what, number] for (source, what), number in total.items()]


def view(stored: Mapping[str, Any] | None) -> ReportView:
    held = stored or {}
    return ReportView(
        carried_over=[
            CarriedView(source=source, target=target, rows=rows) for source, target, rows in held.get("carried") or []
        ],
        left_out=[
            LeftOutView(source=source, reason=reason, rows=rows) for source, reason, rows in held.get("left_out") or []
        ],
    )
