"""Reading a CSV file record by record from any byte on, in flat memory, knowing where each record ends."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

BOM = b"\xef\xbb\xbf"
# A contact's own limit is 64 KB of attributes; a line of a megabyte is no line of contacts.
MOST_LINE = 1 << 20
DELIMITERS = (",", ";", "\t")


class Unreadable(Exception):
    """The file as a whole cannot be imported; the message says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of a record, or what is wrong with it; `end` is the byte behind it."""

    cells: list[str]
    end: int
    problem: str | None = None


def lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The lines of a stream of bytes, with their line ends. Raises Unreadable for an endless one."""
    held = b""
    for piece in pieces:
        held += piece
        if b"\n" in piece:
            *whole, held = held.split(b"\n")
            for line in whole:
                yield line + b"\n"
        if len(held) > MOST_LINE:
            raise Unreadable("The file has a line of more than 1 MB. Is it a CSV file with line ends?")
    if held:
        yield held


class Reader:
    """Records of a file. A quote that is never closed costs its own line, not the rest of the file."""

    def __init__(self, found: Iterator[bytes], delimiter: str, offset: int) -> None:
        self.found, self.delimiter, self.offset = found, delimiter, offset
        self.waiting: list[bytes] = []
        self.taken: list[bytes] = []
        self.broken = self.ended = False

    def records(self) -> Iterator[Record]:
        reader = self._csv()
        while True:
            self.taken, self.broken, self.ended = [], False, False
            problem = None
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                cells, problem = [], f"is not valid CSV: {error}"
            if problem is None and self.ended and self.taken:
                # The file ended inside quotes.
                problem = "is not valid CSV: a quoted cell is never closed"
            if problem:
                cells = [self._text(self.taken[0]).rstrip("\r\n")]
                # Only its first line is lost: read again from the second. A reader that met the end needs renewing.
                self.waiting = self.taken[1:] + self.waiting
                del self.taken[1:]
                reader = self._csv()
            elif self.broken:
                problem = "is not UTF-8 text; save the file as UTF-8"
            self.offset += sum(map(len, self.taken))
            if cells or problem:
                yield Record(cells, self.offset, problem)

    def _csv(self) -> Iterator[list[str]]:
        return csv.reader(self._lines(), delimiter=self.delimiter)

    def _lines(self) -> Iterator[str]:
        while True:
            line = self.waiting.pop(0) if self.waiting else next(self.found, None)
            if line is None:
                self.ended = True
                return
            self.taken.append(line)
            yield self._text(line)

    def _text(self, line: bytes) -> str:
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self.broken = True
            return line.decode("utf-8", "replace")


def header(pieces: Iterator[bytes]) -> tuple[Record, str]:
    """The first record, and the delimiter that it uses. Raises Unreadable."""
    found = lines(pieces)
    first = next(found, b"")
    if first.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("The file is UTF-16. Save it as CSV in UTF-8.")
    skip = len(BOM) if first.startswith(BOM) else 0
    if b"\r" in first.rstrip(b"\r\n"):
        raise Unreadable("The file has old line ends (CR only). Save it with LF or CRLF.")
    line = first[skip:]
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("The header is not UTF-8 text. Save the file as CSV in UTF-8.") from error
    delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([text], delimiter=mark), [])))

    def rest() -> Iterator[bytes]:
        yield line
        yield from found

    record = next(Reader(rest(), delimiter, skip).records(), None)
    if record is None or record.problem or not any(cell.strip() for cell in record.cells):
        raise Unreadable("The file has no header: its first line must name the columns.")
    return record, delimiter
