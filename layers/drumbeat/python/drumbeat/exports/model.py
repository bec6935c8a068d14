"""Exports: what was asked, how far the file is, and where it lies.

pk                        sk        gsi1pk               gsi1sk    gsi2pk          gsi2sk
EXPORT#<tenant>#<id>      EXPORT    EXPORTS#<tenant>     <id>      DUE#exports#0   <wall time>    while it is made

The rows of each slice lie in `exports/<tenant>/<id>/rows/`, the finished file beside them. All of them vanish after
`KEPT` by the bucket's lifecycle. An export is due when nobody has gone on with it for a while.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Literal

from pynamodb.attributes import JSONAttribute

from drumbeat import clock, files, ids, machines
from drumbeat.accounts.scopes import missing
from drumbeat.declare import Files, Machine
from drumbeat.errors import Conflict, Forbidden, NotFound
from drumbeat.fields import Instant, View
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

FOLDER = Files("exports")
# What a function that only shows something may do there.
READ_ONLY = Files("exports", write=False)
EXPORT = Machine("export")
DUE = "DUE#exports#0"
LINK_SECONDS = 900
# How long files live; `infra.base_stack.TEMPORARY` says it to the bucket.
KEPT = timedelta(days=7)
# Longer than a round may run (wall time): whoever has not moved by then is dead.
STALLED = timedelta(minutes=20)
# A machine that dies is started again so many times, then the export has failed.
MOST_RUNS = 4

State = Literal["queued", "running", "done", "failed"]


class NotFinished(Conflict):
    code = "EXPORT_NOT_FINISHED"


class FileGone(NotFound):
    code = "EXPORT_EXPIRED"


class Export(Entity):
    """An export. `step`, `place` and `files` say how far it is; they move together, and only from where they were.

    `scopes` are what a credential needs to see such things, when the export is asked for and when its file is fetched.
    `files` has for each file of the export how many rows it has and in which parts they lie; `names` are the attributes
    that were met, which become columns.
    """

    TYPE = "EXPORT"
    INDEX_TYPES = {"gsi1": "EXPORTS", "gsi2": "DUE"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    listed = index(1)
    tenant = UnicodeAttribute()
    export_id = UnicodeAttribute()
    kind = UnicodeAttribute()
    format = UnicodeAttribute()
    fields = JSONAttribute(null=True)
    filters = JSONAttribute(default=dict)
    scopes = JSONAttribute(default=list)
    state = UnicodeAttribute()
    slices = NumberAttribute(default=0)
    step = NumberAttribute(default=0)
    place = JSONAttribute(null=True)
    files = JSONAttribute(default=list)
    names = JSONAttribute(default=list)
    rows = NumberAttribute(default=0)
    rows_expected = NumberAttribute(null=True)
    shortened = NumberAttribute(default=0)
    size = NumberAttribute(null=True)
    runs = NumberAttribute(default=0)
    failure = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    started_at = InstantAttribute(null=True)
    finished_at = InstantAttribute(null=True)
    expires_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, export_id: str) -> tuple[str, str]:
        return f"EXPORT#{tenant}#{export_id}", "EXPORT"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"EXPORTS#{tenant}"

    @property
    def file(self) -> str:
        """The finished file, inside the folder of its tenant: `<id>/contacts-20261101.csv`."""
        extension = "zip" if self.kind == "everything" else self.format
        return f"{self.export_id}/{self.kind}-{self.created_at:%Y%m%d}.{extension}"


class Download(View):
    """Where the file can be had with a GET, without a credential, and until when (real time)."""

    url: str
    expires: Instant


class ExportView(View):
    """An export. `rows` counts those written so far, `rows_expected` is an estimate where there is one.

    `download` is there when `state` is done, until `file_expires_at` (real time), for credentials that may see such
    things; each answer has a fresh link.
    `shortened_cells` counts cells that were cut to what a spreadsheet's cell may hold (xlsx only).
    """

    id: str
    kind: str
    format: str
    fields: list[str] | None
    filters: dict[str, Any]
    state: State
    rows: int
    rows_expected: int | None
    files_done: int
    files_total: int
    size_bytes: int | None
    shortened_cells: int
    failure: str | None
    download: Download | None
    created_by: str | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None
    file_expires_at: Instant | None


def due_from_now() -> str:
    """When an export counts as stalled, if nobody goes on with it."""
    return clock.iso(clock.wall() + STALLED)


def store(row: Export) -> Export:
    """Create the export and start its machine; the same id again gives the stored one."""
    row.gsi1pk, row.gsi1sk = Export.partition(row.tenant), row.export_id
    row.gsi2pk, row.gsi2sk = DUE, due_from_now()
    try:
        row.create()
    except ConditionFailed as refused:
        row = Export.from_raw_data(refused.found or {})
    if row.state == "queued":
        start(row)
    return row


def start(row: Export) -> None:
    """Start the machine; its name makes this once for each run."""
    machines.start(EXPORT, f"{row.export_id}-{int(row.runs)}", {"tenant": row.tenant, "export_id": row.export_id})


def get(tenant: str, export_id: str) -> Export:
    """Raises NotFound."""
    row = Export.fetch(*Export.key(tenant, export_id)) if ids.is_id(export_id, "exp") else None
    if row is None:
        raise NotFound("There is no such export. List exports to see their ids.")
    return row


def link(row: Export, held: Iterable[str]) -> Download:
    """A fresh link to the file, for who holds these scopes. Raises Forbidden, NotFinished, FileGone."""
    if lacking := missing(held, row.scopes or ()):
        raise Forbidden(f"This file needs the scope {', '.join(lacking)}.")
    if row.state == "failed":
        raise NotFinished(f"The export failed: {row.failure} Make a new one.")
    if row.state != "done":
        raise NotFinished("The export is being made. Ask again in a while.", headers={"Retry-After": "5"})
    if _is_gone(row):
        raise FileGone(f"The file was kept for {KEPT.days} days. Make a new export.")
    until = clock.wall() + timedelta(seconds=LINK_SECONDS)
    return Download(url=files.download_link(FOLDER, row.tenant, row.file, LINK_SECONDS), expires=until)


def _has_file(row: Export) -> bool:
    return bool(row.state == "done" and not _is_gone(row))


def _is_gone(row: Export) -> bool:
    return row.expires_at is not None and clock.wall() >= row.expires_at


def view(row: Export, held: Iterable[str]) -> ExportView:
    """What the API shows of an export, with a fresh link when there is a file and these scopes are enough for it."""
    same = ("kind", "format", "fields", "state", "rows", "rows_expected", "failure", "created_by", "created_at",
            "started_at", "finished_at")  # fmt: skip
    told = {
        **{name: getattr(row, name) for name in same},
        "id": row.export_id,
        "filters": row.filters or {},
        "files_done": row.step,
        "files_total": len(row.files or ()),
        "size_bytes": row.size,
        "shortened_cells": row.shortened,
        "download": link(row, held) if _has_file(row) and not missing(held, row.scopes or ()) else None,
        "file_expires_at": row.expires_at,
    }
    return ExportView.model_validate(told)
