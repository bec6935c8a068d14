"""Making an export slice by slice. The rows of a slice go into a part of their own, and become the export's only when
its place moves on from where the slice began. So a slice that is done twice, by whomever, is in the file once.
"""

import secrets
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic_core import from_json, to_json

from drumbeat import clock, files
from drumbeat.accounts import settings
from drumbeat.errors import NotFound
from drumbeat.exports import archive, asking, formats, people, workbook
from drumbeat.exports.formats import Values
from drumbeat.exports.kinds import EVERYTHING, Planned
from drumbeat.exports.model import FOLDER, KEPT, Export, due_from_now, get
from drumbeat.exports.rows import Asked
from drumbeat.exports.walks import Place
from drumbeat.exports.workbook import TooLarge
from drumbeat.table import ConditionFailed

MOST_ROWS = 5_000
MOST_BYTES = 8 << 20
MOST_SECONDS = 20.0
# With more attributes than this, a table has them in one column as JSON.
MOST_ATTRIBUTE_COLUMNS = 500
LINES = "application/x-ndjson"


@dataclass
class Slice:
    """What was read since the place that the export knows."""

    place: Place
    rows: int = 0
    ended: bool = False
    names: set[str] = field(default_factory=set)
    lines: bytearray = field(default_factory=bytearray)


def advance(tenant: str, export_id: str, now: datetime) -> bool:
    """Do the next slice, or put the file together; True when the export is over. Repeating it is harmless."""
    job = get(tenant, export_id)
    if job.state == "queued":
        _move(job, Export.state.set("running"), Export.started_at.set(now))
        job = get(tenant, export_id)
    if job.state != "running":
        return True
    planned = asking.plan(job)
    try:
        if job.format == "xlsx":
            workbook.check(int(job.rows), len(asking.columns(planned[0])))
        if job.step < len(planned):
            _note(job, _read(job, planned[int(job.step)]))
            return False
        _finish(job, _assembled(job, planned, now), now)
    except TooLarge as problem:
        fail(job, str(problem), now)
    except NotFound as problem:
        fail(job, f"What it is about was deleted meanwhile: {problem.message}", now)
    return True


def fail(job: Export, reason: str, now: datetime) -> None:
    """End the export without a file; `reason` is shown."""
    ended = [Export.state.set("failed"), Export.failure.set(reason), Export.finished_at.set(now)]
    _move(job, *ended, Export.gsi2pk.remove(), Export.gsi2sk.remove())


def _read(job: Export, planned: Planned) -> Slice:
    """Rows from the stored place on, until the slice is full, its time is over, or there are no more."""
    asked = Asked(job.tenant, job.filters or {}, settings.of(job.tenant))
    names = asking.columns(planned)
    done = Slice(job.place)
    stop = time.monotonic() + MOST_SECONDS
    for rows, place in planned.kind.walk(asked, job.place):
        for row in rows:
            _add(done, row, names)
        done.place = place
        if done.rows >= MOST_ROWS or len(done.lines) >= MOST_BYTES or time.monotonic() >= stop:
            return done
    done.ended = True
    return done


def _add(done: Slice, row: dict[str, Any], names: Iterable[str]) -> None:
    """Put a row's values into the slice, in the order of the columns; all attributes stand in one place."""
    values = []
    for name in names:
        if name == people.EACH_ATTRIBUTE:
            held = row.get(people.ATTRIBUTES) or {}
            done.names.update(held)
            values.append(held)
        else:
            values.append(people.picked(row, name))
    done.lines += to_json(values) + b"\n"
    done.rows += 1


def _note(job: Export, done: Slice) -> None:
    """Store how far the export is, unless another run of the same slice did."""
    told = [dict(one) for one in job.files]
    here = told[int(job.step)]
    if done.rows:
        # A name of its own: the part of another run of this slice is not replaced, and is no one's.
        name = f"{job.export_id}/rows/{int(job.step)}-{here['rows']}-{secrets.token_hex(3)}"
        files.write(FOLDER, job.tenant, name, bytes(done.lines), LINES)
        here["parts"] = [*here["parts"], name.rsplit("/", 1)[-1]]
        here["rows"] += done.rows
    known = set(job.names or ()) | done.names
    _move(
        job,
        Export.files.set(told),
        Export.names.set(sorted(known)[: MOST_ATTRIBUTE_COLUMNS + 1]),
        Export.rows.set(job.rows + done.rows),
        Export.place.set(None if done.ended else done.place),
        Export.step.set(job.step + (1 if done.ended else 0)),
        Export.gsi2sk.set(due_from_now()),
    )


def _rows(job: Export, step: int) -> Iterator[Values]:
    """The rows of a file from their parts."""
    for part in job.files[step]["parts"]:
        held = b""
        for piece in files.stream(FOLDER, job.tenant, f"{job.export_id}/rows/{part}"):
            *whole, held = (held + piece).split(b"\n")
            yield from map(from_json, whole)


def _table(job: Export, planned: Planned, step: int) -> tuple[list[str], Iterator[Values]]:
    """The columns of a file and its rows, with each attribute in a column of its own where that was asked for."""
    names = list(asking.columns(planned))
    if people.EACH_ATTRIBUTE not in names:
        return names, _rows(job, step)
    place = names.index(people.EACH_ATTRIBUTE)
    known = list(job.names or ())
    if len(known) > MOST_ATTRIBUTE_COLUMNS:
        return [*names[:place], people.ATTRIBUTES, *names[place + 1 :]], _rows(job, step)

    def spread() -> Iterator[Values]:
        for row in _rows(job, step):
            yield [*row[:place], *(row[place].get(name) for name in known), *row[place + 1 :]]

    return [*names[:place], *(f"{people.ATTRIBUTES}.{name}" for name in known), *names[place + 1 :]], spread()


def _assembled(job: Export, planned: tuple[Planned, ...], now: datetime) -> tuple[int, int]:
    """Put the file together from its parts; gives its bytes, and how many cells were cut. Raises TooLarge."""
    if job.kind == EVERYTHING:
        return _archived(job, planned, now), 0
    names, rows = _table(job, planned[0], 0)
    if job.format == "xlsx":
        return _workbook(job, names, rows)
    pieces = formats.written(job.format, names, rows)
    return files.write_stream(FOLDER, job.tenant, job.file, pieces, formats.CONTENT_TYPES[job.format]), 0


def _workbook(job: Export, names: list[str], rows: Iterator[Values]) -> tuple[int, int]:
    workbook.check(int(job.rows), len(names))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.xlsx"
        shortened = workbook.write(path, job.kind, names, rows)
        with path.open("rb") as made:
            pieces = iter(lambda: made.read(1 << 20), b"")
            size = files.write_stream(FOLDER, job.tenant, job.file, pieces, formats.CONTENT_TYPES["xlsx"])
    return size, shortened


def _archived(job: Export, planned: tuple[Planned, ...], now: datetime) -> int:
    """One zip with every file and the manifest."""

    def entries() -> Iterator[tuple[str, Iterator[bytes]]]:
        for step, one in enumerate(planned):
            names, rows = _table(job, one, step)
            yield one.file, formats.written(one.format, names, rows)
        yield "manifest.json", iter([archive.manifest(job, planned, now)])

    pieces = archive.zipped(entries(), zipfile.ZIP_DEFLATED)
    return files.write_stream(FOLDER, job.tenant, job.file, pieces, formats.CONTENT_TYPES["zip"])


def _finish(job: Export, made: tuple[int, int], now: datetime) -> None:
    size, shortened = made
    _move(
        job, Export.state.set("done"), Export.size.set(size), Export.shortened.set(shortened),
        Export.finished_at.set(max(now, clock.business())), Export.expires_at.set(clock.wall() + KEPT),
        Export.gsi2pk.remove(), Export.gsi2sk.remove(),
    )  # fmt: skip


def _move(job: Export, *actions: Any) -> None:
    """Change the export, if it is still where this run found it."""
    try:
        job.change(*actions, Export.slices.set(job.slices + 1), condition=Export.slices == job.slices)
    except ConditionFailed:
        return
