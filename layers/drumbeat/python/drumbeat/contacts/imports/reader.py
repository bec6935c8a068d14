"""Reading a file record by record from any line on, in flat memory, knowing where each record ends."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

from drumbeat.contacts.imports import encodings
from drumbeat.contacts.imports.encodings import NAMES


@dataclass(frozen=True, slots=True)
class Record:
    """The cells of a record (of a JSON line: its text), or what is wrong with it; `end` is the byte behind it."""

    cells: list[str]
    end: int
    problem: str | None = None


class Reader:
    """Records of a CSV file. A quote that is never closed costs its own line, not the rest of the file."""

    def __init__(self, found: Iterator[bytes], delimiter: str, offset: int, encoding: str = "utf-8") -> None:
        self.found, self.delimiter, self.offset, self.encoding = found, delimiter, offset, encoding
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
                problem = _undecodable(self.encoding)
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
        text, whole = encodings.decode(line, self.encoding)
        self.broken = self.broken or not whole
        return text


def json_lines(found: Iterator[bytes], offset: int, encoding: str) -> Iterator[Record]:
    """A record for each line; what the line says is not looked at here."""
    for line in found:
        offset += len(line)
        text, whole = encodings.decode(line, encoding)
        yield Record([text.strip()], offset, None if whole else _undecodable(encoding))


def _undecodable(encoding: str) -> str:
    return f"is not {NAMES[encoding]} text; save the file as UTF-8"
