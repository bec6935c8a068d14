"""XLSX files: written by XlsxWriter row by row into a temporary file, so that memory stays flat.

A sheet has at most 1,048,576 rows (support.microsoft.com, "Excel specifications and limits"); what is more goes on in
the next sheet, under the same heading. The limit is in cells, as they are what the function's disk (512 MB) must hold
twice, unpacked and packed.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from drumbeat.contacts.cells import guarded
from drumbeat.exports import formats
from drumbeat.exports.formats import Values

MOST_SHEET_ROWS = 1_048_576
MOST_CELLS = 3_000_000
MOST_TEXT = 32_767
MOST_COLUMNS = 16_384
# A double holds so many digits; longer numbers would be rounded.
MOST_DIGITS = 15


class TooLarge(Exception):
    """More than a spreadsheet can be given; the message says what to do."""


def check(rows: int, columns: int) -> None:
    """Raises TooLarge."""
    if columns > MOST_COLUMNS:
        raise TooLarge(f"A spreadsheet has at most {MOST_COLUMNS:,} columns, not {columns:,}. Choose fields.")
    if rows * columns > MOST_CELLS:
        raise TooLarge(
            f"An xlsx export has at most {MOST_CELLS:,} cells; this has {rows:,} rows of {columns:,} columns. "
            "Choose fewer fields, or csv or jsonl, which have no such limit."
        )


def write(path: Path, title: str, columns: Sequence[str], rows: Iterable[Values]) -> int:
    """Write the workbook; gives how many cells were cut to the 32,767 characters that a cell may have."""
    # Only exports to xlsx pay for it.
    import xlsxwriter  # type: ignore[import-untyped]

    shortened = 0
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": path.parent}
    with xlsxwriter.Workbook(str(path), options) as book:
        bold = book.add_format({"bold": True})
        sheet, number = None, MOST_SHEET_ROWS
        for row in rows:
            if sheet is None or number >= MOST_SHEET_ROWS:
                sheet, number = _sheet(book, title, columns, bold), 1
            for place, value in enumerate(row):
                shortened += _put(sheet, number, place, formats.cell(value))
            number += 1
        if sheet is None:
            _sheet(book, title, columns, bold)
    return shortened


def _sheet(book: Any, title: str, columns: Sequence[str], bold: Any) -> Any:
    made = len(book.worksheets())
    sheet = book.add_worksheet(f"{title[:24]} {made + 1}" if made else title[:31])
    sheet.freeze_panes(1, 0)
    for place, name in enumerate(columns):
        sheet.write_string(0, place, guarded(name)[:MOST_TEXT], bold)
    return sheet


def _put(sheet: Any, number: int, place: int, value: str | int | float | bool | None) -> bool:
    """Write a cell; True when its text had to be cut."""
    if isinstance(value, bool):
        sheet.write_boolean(number, place, value)
    elif isinstance(value, int | float) and len(str(value).strip("-")) <= MOST_DIGITS + 1:
        sheet.write_number(number, place, value)
    elif value is not None and value != "":
        text = str(value)
        sheet.write_string(number, place, text[:MOST_TEXT])
        return len(text) > MOST_TEXT
    return False
