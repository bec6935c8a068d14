"""The zip of an export of everything: written as a stream, with a manifest of what is in it."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from drumbeat import clock
from drumbeat.exports import asking
from drumbeat.exports.kinds import NOT_EXPORTED, Planned
from drumbeat.exports.model import Export

VERSION = 1
ABOUT = {
    "jsonl": "one JSON object a line, in UTF-8",
    "csv": "RFC 4180 in UTF-8 with a heading; texts that look like formulas have an apostrophe in front",
}


class _Pipe(io.RawIOBase):
    """What was written since it was last emptied. It cannot be sought, so zipfile writes sizes behind each file."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def taken(self) -> bytes:
        found = bytes(self.held)
        self.held.clear()
        return found


def zipped(entries: Iterable[tuple[str, Iterable[bytes]]], compression: int) -> Iterator[bytes]:
    """The bytes of a zip of these files, in pieces; each file, and the whole, may be larger than 4 GB."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", compression) as archive:
        for name, pieces in entries:
            with archive.open(name, "w", force_zip64=True) as file:
                for piece in pieces:
                    file.write(piece)
                    yield pipe.taken()
    yield pipe.taken()


def manifest(job: Export, planned: Sequence[Planned], now: datetime) -> bytes:
    """What is in the archive and what is not, as JSON. Things may have changed between `started_at` and `finished_at`:
    each row is as it was when it was read."""
    told = {
        "version": VERSION,
        "export_id": job.export_id,
        "tenant": job.tenant,
        "started_at": clock.iso(job.started_at or job.created_at),
        "finished_at": clock.iso(now),
        "instants": "ISO 8601 in UTC with milliseconds",
        "money": "major units, except attributes as the table keeps them (value, budget): minor units of the currency",
        "files": [
            {
                "file": one.file, "kind": one.kind.name, "about": one.kind.about, "format": one.format,
                "encoding": ABOUT[one.format], "rows": job.files[step]["rows"], "fields": list(asking.columns(one)),
            }
            for step, one in enumerate(planned)
        ],
        "not_exported": [{"what": name, "why": why} for name, why in sorted(NOT_EXPORTED.items())],
    }  # fmt: skip
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()
