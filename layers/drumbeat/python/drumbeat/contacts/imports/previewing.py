"""A look at an uploaded file before it is imported: nothing is stored."""

import itertools

from drumbeat import files
from drumbeat.contacts.imports import layout, model
from drumbeat.contacts.imports.columns import named, target
from drumbeat.contacts.imports.encodings import Unreadable
from drumbeat.contacts.imports.layout import Layout
from drumbeat.contacts.imports.model import FOLDER, Import
from drumbeat.contacts.imports.views import ColumnView, PreviewView

ROWS = 5
MOST_CELL = 200


def preview(row: Import) -> PreviewView:
    """How the file would be read. Raises FileMissing, FileTooLarge."""
    model.checked_size(row)
    try:
        laid = layout.find(files.stream(FOLDER, row.tenant, row.upload), row.format, row.encoding, row.delimiter)
    except Unreadable as problem:
        return PreviewView(format=None, encoding=None, delimiter=None, columns=[], rows=[], failure=str(problem))
    failure = None
    try:
        laid.meaning(row.mapping)
    except Unreadable as problem:
        failure = str(problem)
    return PreviewView(
        format=laid.format,
        encoding=laid.encoding,
        delimiter=laid.delimiter,
        columns=_columns(laid, row),
        rows=_first_rows(laid, row),
        failure=failure,
    )


def _columns(laid: Layout, row: Import) -> list[ColumnView]:
    """Of a plain CSV file. What cannot be a column's target is shown as null."""
    if laid.format != "csv":
        return []
    found = []
    for name in named(laid.header or ()):
        try:
            found.append(ColumnView(column=name, target=target(name, row.mapping)))
        except Unreadable:
            found.append(ColumnView(column=name, target=None))
    return found


def _first_rows(laid: Layout, row: Import) -> list[list[str]]:
    pieces = files.stream(FOLDER, row.tenant, row.upload, start=0 if laid.packed else laid.offset)
    records = laid.records(pieces, laid.offset)
    try:
        return [[cell[:MOST_CELL] for cell in record.cells] for record in itertools.islice(records, ROWS)]
    except Unreadable:
        return []
