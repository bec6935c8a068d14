"""Whatever texts stand in the rows: a file reads back as they were, and no spreadsheet takes a cell for a formula."""

import csv
import io
import json

from drumbeat.contacts.cells import unguarded
from drumbeat.exports import formats
from hypothesis import example, given, settings
from hypothesis import strategies as st

# What spreadsheets begin formulas with (OWASP, CSV injection), also in full width, and what they skip before it.
TRIGGERS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
NASTY = [
    "=1+1", "@SUM(A1)", "\u00a0=1", "'=1", "''", "'", "a\x00b", "\ufeffx", "\ufeff=1", "\x00=1", "\u200b=1", '"', '""',
    ",", ";", "\r\n", "\n=1", " \t=1", "😀\u202e", "+cmd|' /C calc'!A0", "-2+3", "\u2028=1", "x" * 5000, "", " ",
]  # fmt: skip
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(NASTY)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6)


def written(kind: str, rows: list[tuple[str, str]]) -> str:
    return b"".join(formats.written(kind, ["name", "=note"], rows)).decode()


@settings(max_examples=120, deadline=None)
@given(rows=ROWS)
@example(rows=[(one, one) for one in NASTY])
def test_a_csv_file_reads_back_and_has_no_formula(rows: list[tuple[str, str]]) -> None:
    cells = list(csv.reader(io.StringIO(written("csv", rows), newline="")))

    assert [[unguarded(cell) for cell in row] for row in cells] == [["name", "=note"], *map(list, rows)]
    for cell in (cell for row in cells for cell in row):
        sign = cell.lstrip(" \u00a0\u2028\u2029\u3000\ufeff\x00\u200b")[:1]
        assert sign not in TRIGGERS or sign == "" or cell.lstrip("+-").replace(".", "", 1).isdigit(), repr(cell)


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
@example(rows=[(one, one) for one in NASTY])
def test_json_is_exact(rows: list[tuple[str, str]]) -> None:
    wanted = [{"name": name, "=note": note} for name, note in rows]

    assert json.loads(written("json", rows)) == wanted
    assert [json.loads(line) for line in written("jsonl", rows).split("\n") if line] == wanted
