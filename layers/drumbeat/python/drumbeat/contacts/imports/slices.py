"""Doing an import slice by slice. A slice that was done and not noted is done again, and nothing becomes double: ids
come from the import and the row, and the place in the file moves only from where it was."""

import functools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from drumbeat import files, ids
from drumbeat.contacts import batch, model
from drumbeat.contacts.batch import Incoming, Outcome
from drumbeat.contacts.imports import reader, rejected
from drumbeat.contacts.imports.columns import Columns, Context
from drumbeat.contacts.imports.model import COUNTS, FOLDER, Import, get
from drumbeat.contacts.imports.reader import Reader, Record, Unreadable
from drumbeat.contacts.imports.rejected import Rejected
from drumbeat.contacts.views import NewConsent
from drumbeat.errors import Detail
from drumbeat.table import ConditionFailed

MOST_ROWS = 2000
MOST_SECONDS = 20.0
# So many rows are read, looked up and written together.
GROUP = 400
# The joined file of rejected rows ends here; all of them are counted.
MOST_REJECTED_BYTES = 20 << 20
_COUNTED = {"created": "created", "updated": "updated", "duplicate": "duplicates", "rejected": "rejected"}
_CONSENTS = TypeAdapter(dict[str, NewConsent])


@dataclass
class Slice:
    """What was read and written since the place that the import knows."""

    offset: int
    row: int
    ended: bool = False
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected: list[Rejected] = field(default_factory=list)


def advance(tenant: str, import_id: str, now: datetime) -> bool:
    """Do the next slice; True when the import is over. Repeating it is harmless."""
    job = get(tenant, import_id)
    if job.state == "queued":
        _try(job, Import.state.set("running"), Import.started_at.set(now), Import.moved_at.set(now), state="queued")
        job = get(tenant, import_id)
    if job.state != "running":
        return True
    try:
        _check_file(job)
        if job.header is None:
            _read_header(job)
        done = _done(job, now)
    except Unreadable as problem:
        failed = [Import.state.set("failed"), Import.failure.set(str(problem))]
        _finish(job, now, *failed, Import.all_rejected.set(_join(job, list(job.parts or []))))
        return True
    return _note(job, done, now)


def _check_file(job: Import) -> None:
    """The file must still be the one that was started: places in another one mean nothing."""
    if not job.bytes_total:
        raise Unreadable("The file has no header: it is empty.")
    if files.size(FOLDER, job.tenant, job.upload) != job.bytes_total:
        raise Unreadable("The file changed after the import was started. Create a new import.")


def _read_header(job: Import) -> None:
    record, delimiter = reader.header(files.stream(FOLDER, job.tenant, job.upload))
    Columns(record.cells, job.mapping)
    _try(
        job,
        Import.header.set(record.cells),
        Import.delimiter.set(delimiter),
        Import.offset.set(record.end),
        Import.row.set(1),
        state="running",
    )
    job.refresh(consistent_read=True)


def _done(job: Import, now: datetime) -> Slice:
    """Read and write rows until the slice is full, its time is over, or the file ends."""
    columns, context = Columns(job.header, job.mapping), _context(job)
    done = Slice(int(job.offset), int(job.row))
    stop = time.monotonic() + MOST_SECONDS
    records = _records(job)
    while done.row - job.row < MOST_ROWS and time.monotonic() < stop:
        group = [record for _, record in zip(range(GROUP), records, strict=False)]
        _write(job, group, columns, context, done, now)
        if len(group) < GROUP:
            done.ended = True
            break
    return done


def _records(job: Import) -> Iterator[Record]:
    if job.offset >= job.bytes_total:
        return iter(())
    pieces = files.stream(FOLDER, job.tenant, job.upload, start=int(job.offset))
    return Reader(reader.lines(pieces), job.delimiter, int(job.offset)).records()


def _context(job: Import) -> Context:
    at = job.started_at
    consents = {
        channel: model.statement(said.model_copy(update={"source": said.source or job.file_name}), at, "import")
        for channel, said in _CONSENTS.validate_python(job.consent or {}).items()
    }
    home = functools.cache(lambda: model.home_country(job.tenant))
    return Context(consents, at, job.file_name, home)


def _write(job: Import, group: list[Record], columns: Columns, context: Context, done: Slice, now: datetime) -> None:
    """Write a group of rows and note what became of them."""
    rows: list[tuple[int, Record, Incoming]] = []
    for record in group:
        done.row += 1
        done.offset = record.end
        if record.problem:
            _reject(done, done.row, [Detail("row", record.problem)], record)
            continue
        said = columns.read(record.cells, context)
        if said is None:
            continue
        if said.problems:
            _reject(done, done.row, said.problems, record)
            continue
        contact_id = ids.derived("con", job.tenant, job.import_id, str(done.row))
        rows.append((done.row, record, Incoming(contact_id, said.values)))
    outcomes = batch.write(
        job.tenant, [row for _, _, row in rows], now=now, update=job.on_duplicate == "update", origin=job.import_id
    )
    for (number, record, _), outcome in zip(rows, outcomes, strict=True):
        _count(done, number, record, outcome)


def _count(done: Slice, number: int, record: Record, outcome: Outcome) -> None:
    if outcome.what == "rejected":
        _reject(done, number, [Detail(outcome.field, outcome.reason)], record)
    else:
        done.counts[_COUNTED[outcome.what]] += 1


def _reject(done: Slice, number: int, problems: list[Detail], record: Record) -> None:
    done.counts["rejected"] += 1
    done.rejected.append(Rejected(number, problems, record.cells))


def _note(job: Import, done: Slice, now: datetime) -> bool:
    """Store how far the import is, unless another run of the same slice did; True when it is over."""
    parts = list(job.parts or [])
    if done.rejected:
        # The name says which rows it has, so that a slice of another length does not replace it.
        name = f"rejected/{int(job.row)}-{done.row}.csv"
        lines = rejected.content(sorted(done.rejected, key=lambda found: found.row))
        files.write(FOLDER, job.tenant, job.file(name), lines, "text/csv; charset=utf-8")
        parts.append(name)
    moves: list[Any] = [
        Import.offset.set(done.offset),
        Import.row.set(done.row),
        Import.rows.set(job.rows + sum(done.counts.values())),
        Import.parts.set(parts),
        *(getattr(Import, name).set(getattr(job, name) + number) for name, number in done.counts.items()),
    ]
    if not done.ended:
        _try(job, *moves, Import.moved_at.set(now), state="running")
        return False
    _finish(job, now, *moves, Import.all_rejected.set(_join(job, parts)), Import.state.set("done"))
    return True


def _join(job: Import, parts: list[str]) -> bool:
    """Put the rejected rows of all slices into one file; False when it became too large for some of them."""
    if not parts:
        return True
    whole, complete = bytearray(rejected.heading(job.header)), True
    for name in parts:
        complete = len(whole) < MOST_REJECTED_BYTES
        if not complete:
            break
        whole += files.read(FOLDER, job.tenant, job.file(name))
    files.write(FOLDER, job.tenant, job.file("rejected.csv"), bytes(whole), "text/csv; charset=utf-8")
    return complete


def _finish(job: Import, now: datetime, *actions: Any) -> None:
    _try(job, *actions, Import.moved_at.set(now), Import.finished_at.set(now), state="running")


def _try(job: Import, *actions: Any, state: str) -> None:
    """Change the import, if it is still where this run found it."""
    try:
        job.change(*actions, condition=(Import.state == state) & (Import.offset == job.offset))
    except ConditionFailed:
        return
