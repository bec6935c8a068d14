"""The file of rows that were not imported: the row's number as a spreadsheet shows it, what is wrong, and the row
itself, so that it can be put right and imported again."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from drumbeat.contacts.cells import guarded
from drumbeat.errors import Detail


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not imported."""

    row: int
    problems: Sequence[Detail]
    cells: Sequence[str]


def heading(columns: Sequence[str]) -> bytes:
    """The file's first line."""
    return _line(["row", "field", "message", *columns])


def content(rows: Iterable[Rejected]) -> bytes:
    """The lines of rows."""
    return b"".join(
        _line(
            [
                str(rejected.row),
                "; ".join(problem.field for problem in rejected.problems),
                "; ".join(problem.message for problem in rejected.problems),
                *rejected.cells,
            ]
        )
        for rejected in rows
    )


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow([guarded(cell) for cell in cells])
    return text.getvalue().encode("utf-8", "replace")
