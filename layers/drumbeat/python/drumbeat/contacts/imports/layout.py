"""How a file is laid out: packed or not, its encoding, CSV or JSON lines, whose columns; and reading it that way."""

import csv
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from drumbeat.contacts.imports import encodings, pinpoint, reader
from drumbeat.contacts.imports.columns import Columns, Keys, parsed
from drumbeat.contacts.imports.encodings import NAMES, Unreadable
from drumbeat.contacts.imports.pinpoint import Endpoints
from drumbeat.contacts.imports.reader import Reader, Record
from drumbeat.contacts.imports.said import Context, Said

DELIMITERS: Final = (",", ";", "\t", "|")
CSV: Final = frozenset({"csv", "pinpoint_csv"})
ENDPOINTS: Final = frozenset({"pinpoint_csv", "pinpoint_json_lines"})
NO_HEADER: Final = "The file has no header: its first line must name the columns."


class Meaning(Protocol):
    """What rows of a file say of contacts."""

    @property
    def header(self) -> Sequence[str]:
        """The columns of the file of rejected rows."""

    def read(self, cells: Sequence[str], context: Context) -> Said | None:
        """None for an empty row."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`header` is None for JSON lines. The rows begin at `offset` (of the unpacked bytes), behind `row` lines."""

    format: str
    encoding: str
    delimiter: str | None
    packed: bool
    header: list[str] | None
    offset: int
    row: int

    def meaning(self, mapping: Mapping[str, str | None]) -> Meaning:
        """Raises Unreadable when the columns, or the mapping of them, cannot be used."""
        if self.format in ENDPOINTS:
            return Endpoints(self.header, mapping)
        return Keys(mapping) if self.header is None else Columns(self.header, mapping)

    def records(self, pieces: Iterator[bytes], offset: int) -> Iterator[Record]:
        """Records from an offset on; the pieces are those of the file from there, or of a packed file all."""
        if self.packed:
            pieces = encodings.behind(encodings.unpacked(pieces), offset)
        lines = encodings.lines(pieces, self.encoding)
        if self.delimiter is None:
            return reader.json_lines(lines, offset, self.encoding)
        return Reader(lines, self.delimiter, offset, self.encoding).records()


def find(
    pieces: Iterator[bytes], format_: str | None = None, encoding: str | None = None, delimiter: str | None = None
) -> Layout:
    """The layout of a file, from its beginning; what is given is taken as it is. Raises Unreadable."""
    first = next(pieces, b"")
    packed = encodings.is_packed(first)
    pieces = itertools.chain([first], pieces)
    sample, pieces = _sampled(encodings.unpacked(pieces) if packed else pieces)
    told, mark = encodings.detect(sample)
    encoding = encoding or told
    lines = encodings.lines(encodings.behind(pieces, mark), encoding)
    line = next(lines, b"")
    text, whole = encodings.decode(line, encoding)
    if not whole:
        raise Unreadable(f"The file's first line is not {NAMES[encoding]} text. Save it as UTF-8.")
    if "\r" in text.rstrip("\r\n"):
        raise Unreadable("The file has old line ends (CR only). Save it with LF or CRLF.")
    if format_ not in CSV and (format_ or text.lstrip().startswith(("{", "["))):
        return Layout(_json(text, format_), encoding, None, packed, None, mark, 0)
    delimiter = delimiter or _delimiter(text)
    record = next(Reader(itertools.chain([line], lines), delimiter, mark, encoding).records(), None)
    if record is None or record.problem or not any(cell.strip() for cell in record.cells):
        raise Unreadable(NO_HEADER)
    theirs = pinpoint.is_header(record.cells)
    return Layout(
        format_ or ("pinpoint_csv" if theirs else "csv"), encoding, delimiter, packed, record.cells, record.end, 1
    )


def _sampled(pieces: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The first bytes, and all of them again."""
    taken: list[bytes] = []
    while sum(map(len, taken)) < encodings.SAMPLE and (piece := next(pieces, b"")):
        taken.append(piece)
    return b"".join(taken)[: encodings.SAMPLE], itertools.chain(taken, pieces)


def _json(text: str, format_: str | None) -> str:
    line = parsed(text)
    if line is None:
        shown = "an array" if text.lstrip().startswith("[") else "no object"
        raise Unreadable(
            f"The file is not JSON lines: its first line has {shown}. Put each person's object on a line of its own."
        )
    return format_ or ("pinpoint_json_lines" if pinpoint.is_endpoint(line) else "json_lines")


def _delimiter(text: str) -> str:
    """The one that gives the most columns."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([text], delimiter=mark), [])))
