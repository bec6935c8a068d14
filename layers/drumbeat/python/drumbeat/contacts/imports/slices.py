"""Doing an import slice by slice. A slice that was done and not noted is done again, and nothing becomes double: ids
come from the import and the row, and the place in the file moves only from where it was."""

import functools
import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from pydantic import TypeAdapter

from drumbeat import files, ids
from drumbeat.contacts import batch, model
from drumbeat.contacts.batch import Incoming, Outcome
from drumbeat.contacts.consent import CONFIRMED
from drumbeat.contacts.imports import layout, opt_outs, rejected
from drumbeat.contacts.imports.encodings import Unreadable
from drumbeat.contacts.imports.layout import ENDPOINTS, NO_HEADER, Layout, Meaning
from drumbeat.contacts.imports.model import COUNTS, FOLDER, Import, get, held, over
from drumbeat.contacts.imports.reader import Record
from drumbeat.contacts.imports.rejected import Rejected
from drumbeat.contacts.imports.report import Tally
from drumbeat.contacts.imports.said import Context, Said
from drumbeat.contacts.imports.views import FileConsent
from drumbeat.contacts.meeting import Mode, Rules
from drumbeat.contacts.opt_in import asking
from drumbeat.errors import Detail
from drumbeat.table import ConditionFailed

MOST_ROWS = 10_000
MOST_SECONDS = 20.0
# So many rows are read, looked up and written together.
GROUP = 400
# A slice ends when so much of what it rejected waits in memory.
MOST_WAITING = 4 << 20
# The joined file of rejected rows ends here; all of them are counted.
MOST_REJECTED_BYTES = 20 << 20
_COUNTED = {"created": "created", "updated": "updated", "duplicate": "duplicates", "rejected": "rejected"}
_CONSENTS = TypeAdapter(dict[str, FileConsent])
# Puts contacts of a tenant into a static segment; False when there is none any more. Segments are above this context.
Into = Callable[[str, str, list[str]], bool]


@dataclass
class Slice:
    """What was read and written since the place that the import knows."""

    offset: int
    row: int
    consumed: int = 0
    ended: bool = False
    failure: str | None = None
    waiting: int = 0
    asked: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    rejected: list[Rejected] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


def advance(tenant: str, import_id: str, now: datetime, into: Into) -> bool:
    """Do the next slice; True when the import is over. Repeating it is harmless."""
    job = get(tenant, import_id)
    if job.state == "queued":
        _try(job, Import.state.set("running"), Import.started_at.set(now), *held(), state="queued")
        job = get(tenant, import_id)
    if job.state != "running":
        return True
    try:
        _check_file(job)
        if job.header is None:
            _find_layout(job)
        done = _done(job, now, into)
    except Unreadable as problem:
        failed = [Import.state.set("failed"), Import.failure.set(str(problem))]
        _finish(job, now, *failed, Import.all_rejected.set(_join(job, list(job.parts or []))))
        return True
    return _note(job, done, now)


def _check_file(job: Import) -> None:
    """The file must still be the one that was started: places in another one mean nothing."""
    if not job.bytes_total:
        raise Unreadable(NO_HEADER)
    if files.size(FOLDER, job.tenant, job.upload) != job.bytes_total:
        raise Unreadable("The file changed after the import was started. Create a new import.")


def _find_layout(job: Import) -> None:
    pieces = files.stream(FOLDER, job.tenant, job.upload)
    found = layout.find(pieces, job.format, job.encoding, job.delimiter)
    meaning = found.meaning(job.mapping)
    if found.format in ENDPOINTS and job.on_duplicate == "skip":
        raise Unreadable("Several endpoints are one contact, so the known cannot be skipped. Use merge or overwrite.")
    _try(
        job,
        Import.format.set(found.format),
        Import.encoding.set(found.encoding),
        *([Import.delimiter.set(found.delimiter)] if found.delimiter else []),
        Import.packed.set(found.packed),
        Import.header.set(list(meaning.header)),
        Import.offset.set(found.offset),
        Import.row.set(found.row),
        state="running",
    )
    job.refresh(consistent_read=True)


def _layout(job: Import) -> Layout:
    header = list(job.header) if job.format in layout.CSV else None
    return Layout(job.format, job.encoding, job.delimiter, bool(job.packed), header, int(job.offset), int(job.row))


def _done(job: Import, now: datetime, into: Into) -> Slice:
    """Read and write rows until the slice is full, its time is over, or the file ends, or cannot be read on."""
    laid, done = _layout(job), Slice(int(job.offset), int(job.row))
    meaning, context = laid.meaning(job.mapping), _context(job)
    stop = time.monotonic() + MOST_SECONDS
    records = laid.records(_pieces(job, laid, done), done.offset)
    while done.row - job.row < MOST_ROWS and done.waiting < MOST_WAITING and time.monotonic() < stop:
        try:
            group = list(itertools.islice(records, GROUP))
        except Unreadable as problem:
            done.failure = str(problem)
            break
        outcomes = _write(job, group, meaning, context, done, now)
        _list(job, outcomes, done, into)
        if len(group) < GROUP:
            done.ended, done.consumed = True, int(job.bytes_total)
            break
    return done


def _pieces(job: Import, laid: Layout, done: Slice) -> Iterator[bytes]:
    """The file's bytes from where the import is. A packed file has no places to begin at: it is unpacked from its
    beginning for every slice, at some hundred megabytes a second."""
    start = 0 if laid.packed else done.offset
    if start >= job.bytes_total:
        return
    for piece in files.stream(FOLDER, job.tenant, job.upload, start=start):
        done.consumed += len(piece)
        yield piece


def _context(job: Import) -> Context:
    at = job.started_at
    said = _CONSENTS.validate_python(job.consent or {})
    confirmed = frozenset(channel for channel, one in said.items() if one.confirmed)
    consents = {channel: _statement(one, job.file_name, at) for channel, one in said.items()}
    home = functools.cache(lambda: model.home_country(job.tenant))
    return Context(
        consents, at, job.file_name, home, confirmed, bool(job.double_opt_in), frozenset(job.tags or ()),
        job.on_duplicate == "overwrite",
    )  # fmt: skip


def _statement(said: FileConsent, file_name: str, at: datetime) -> dict[str, Any]:
    """What the whole file says for one channel."""
    named = said.model_copy(update={"source": said.source or file_name})
    if not said.confirmed:
        return model.statement(named, at, "import")
    return {**model.statement(named, at, CONFIRMED), "confirmed": True}


def _write(
    job: Import, group: list[Record], meaning: Meaning, context: Context, done: Slice, now: datetime
) -> list[Outcome]:
    """Write a group of rows and note what became of them."""
    rows: list[tuple[int, Record, Said]] = []
    for record in group:
        done.row += 1
        done.offset = record.end
        if record.problem:
            _reject(done, done.row, [Detail("row", record.problem)], record)
            continue
        said = meaning.read(record.cells, context)
        if said is None:
            continue
        if said.problems:
            _reject(done, done.row, said.problems, record)
            done.tally.suppress(opt_outs.keep(job.tenant, said, None))
            continue
        rows.append((done.row, record, said))
    incoming = [Incoming(ids.derived("con", job.tenant, job.import_id, str(row)), said.values) for row, _, said in rows]
    rules = Rules(cast(Mode, job.on_duplicate), endpoints=job.format in ENDPOINTS, origin=job.import_id)
    outcomes = batch.write(job.tenant, incoming, now=now, rules=rules)
    for (number, record, said), outcome in zip(rows, outcomes, strict=True):
        _count(done, number, record, said, outcome, carried=_carried(outcome, rules))
        done.tally.suppress(opt_outs.keep(job.tenant, said, outcome))
    if context.double_opt_in:
        done.asked += _ask(job, [one.contact_id for one in outcomes if one.contact_id and _carried(one, rules)], now)
    return outcomes


def _list(job: Import, outcomes: list[Outcome], done: Slice, into: Into) -> None:
    """Put the people of these rows into the import's static segment, also those who were left as they are."""
    found = [one.contact_id for one in outcomes if one.contact_id and one.what != "rejected"]
    if job.segment_id and found and not into(job.tenant, job.segment_id, found):
        done.tally.leave("segment_id", "the static segment is not there any more")


def _carried(outcome: Outcome, rules: Rules) -> bool:
    """Whether the person has what the row says."""
    return outcome.what == "created" or (outcome.what != "rejected" and rules.mode != "skip")


def _ask(job: Import, contact_ids: list[str], now: datetime) -> int:
    """Ask those who must still confirm; gives how many of these rows are theirs."""
    found = model.many(job.tenant, dict.fromkeys(contact_ids))
    pending = {one.contact_id for one in found if ((one.consent or {}).get("email") or {}).get("status") == "pending"}
    asking.request_many(job.tenant, sorted(pending), now=now)
    return sum(contact_id in pending for contact_id in contact_ids)


def _count(done: Slice, number: int, record: Record, said: Said, outcome: Outcome, *, carried: bool) -> None:
    if outcome.what == "rejected":
        _reject(done, number, [Detail(outcome.field, outcome.reason)], record)
        return
    done.counts[_COUNTED[outcome.what]] += 1
    if carried:
        done.tally.take(said, without=outcome.field)
    if outcome.field:
        done.tally.leave(outcome.field, outcome.reason)


def _reject(done: Slice, number: int, problems: list[Detail], record: Record) -> None:
    done.counts["rejected"] += 1
    done.rejected.append(Rejected(number, problems, record.cells))
    done.waiting += sum(map(len, record.cells))
    done.tally.reject(problems)


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
        Import.consumed.set(done.consumed),
        Import.rows.set(job.rows + sum(done.counts.values())),
        Import.asked.set((job.asked or 0) + done.asked),
        Import.parts.set(parts),
        Import.report.set(done.tally.onto(job.report)),
        *(getattr(Import, name).set(getattr(job, name) + number) for name, number in done.counts.items()),
    ]
    if not done.ended and not done.failure:
        _try(job, *moves, *held(), state="running")
        return False
    moves += [Import.failure.set(done.failure)] if done.failure else []
    state = "failed" if done.failure else "done"
    _finish(job, now, *moves, Import.all_rejected.set(_join(job, parts)), Import.state.set(state))
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
    _try(job, *actions, *over(), Import.finished_at.set(now), state="running")


def _try(job: Import, *actions: Any, state: str) -> None:
    """Change the import, if it is still where this run found it."""
    try:
        job.change(*actions, condition=(Import.state == state) & (Import.offset == job.offset))
    except ConditionFailed:
        return
