"""Rows become bytes: CSV, JSON, JSON lines. A row comes as the list of its values, in the order of the columns.

CSV is RFC 4180 in UTF-8 without a byte order mark, guarded against formulas; a list of plain texts (tags) is joined
with `;`, other lists and objects are JSON, nothing is an empty cell. JSON is exact. XLSX is in `workbook`.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from drumbeat.contacts.cells import guarded

CONTENT_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "zip": "application/zip",
}
# Rows that are turned into bytes together.
BATCH = 500

Values = Sequence[Any]


def cell(value: Any) -> str | int | float | bool | None:
    """A value as a cell: what is no number, truth or nothing is a guarded text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return guarded(value)
    if isinstance(value, list) and value and all(isinstance(one, str) and not set(one) & {";", "|"} for one in value):
        return guarded(";".join(value))
    return guarded(line(value)) if value else None


def line(value: Any) -> str:
    """Compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def written(format_: str, columns: Sequence[str], rows: Iterable[Values]) -> Iterator[bytes]:
    """The bytes of a file, in pieces."""
    return {"csv": _csv, "json": _json, "jsonl": _jsonl}[format_](columns, rows)


def _csv(columns: Sequence[str], rows: Iterable[Values]) -> Iterator[bytes]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([guarded(name) for name in columns])
    for number, row in enumerate(rows, 1):
        writer.writerow([_text(cell(value)) for value in row])
        if number % BATCH == 0:
            yield _taken(text)
    yield _taken(text)


def _text(value: str | int | float | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _json(columns: Sequence[str], rows: Iterable[Values]) -> Iterator[bytes]:
    text, behind = io.StringIO(), "[\n"
    for number, row in enumerate(rows, 1):
        text.write(behind + line(dict(zip(columns, row, strict=True))))
        behind = ",\n"
        if number % BATCH == 0:
            yield _taken(text)
    text.write("[]\n" if behind == "[\n" else "\n]\n")
    yield _taken(text)


def _jsonl(columns: Sequence[str], rows: Iterable[Values]) -> Iterator[bytes]:
    text = io.StringIO()
    for number, row in enumerate(rows, 1):
        text.write(line(dict(zip(columns, row, strict=True))) + "\n")
        if number % BATCH == 0:
            yield _taken(text)
    yield _taken(text)


def _taken(text: io.StringIO) -> bytes:
    found = text.getvalue().encode("utf-8", "replace")
    text.seek(0)
    text.truncate()
    return found
