"""Imports of contacts: what was asked, how far it is, and what became of the rows.

pk                        sk        gsi1pk               gsi1sk
IMPORT#<tenant>#<id>      IMPORT    IMPORTS#<tenant>     <id>

The file lies in `imports/<tenant>/<id>/upload.csv`, the rejected rows of each slice beside it, and at the end all of
them in `<id>/rejected.csv`.
"""

from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import Field, field_validator
from pynamodb.attributes import BooleanAttribute, JSONAttribute

from drumbeat import clock, files, ids, machines
from drumbeat.contacts.views import Channel, NewConsent
from drumbeat.declare import Files, Machine
from drumbeat.errors import Conflict, NotFound
from drumbeat.fields import Body, Instant, Name, Text, View
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

FOLDER = Files("imports")
IMPORT = Machine("import")
CONTENT_TYPE = "text/csv"
LINK_SECONDS = 900
MOST_BYTES = 1 << 30
# A slice takes seconds; one that moved nothing for so long has lost its machine.
STALLED = timedelta(minutes=15)
COUNTS = ("created", "updated", "duplicates", "rejected")

State = Literal["waiting", "queued", "running", "done", "failed"]


class FileMissing(Conflict):
    code = "FILE_MISSING"


class FileTooLarge(Conflict):
    code = "FILE_TOO_LARGE"


class NotReady(Conflict):
    code = "IMPORT_NOT_FINISHED"


class Import(Entity):
    """An import. `offset` and `row` say how far it is; they move with the counts, and only from where they were."""

    TYPE = "IMPORT"
    INDEX_TYPES = {"gsi1": "IMPORTS"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    listed = index(1)
    tenant = UnicodeAttribute()
    import_id = UnicodeAttribute()
    state = UnicodeAttribute()
    file_name = UnicodeAttribute()
    mapping = JSONAttribute(default=dict)
    consent = JSONAttribute(default=dict)
    on_duplicate = UnicodeAttribute()
    header = JSONAttribute(null=True)
    delimiter = UnicodeAttribute(null=True)
    bytes_total = NumberAttribute(null=True)
    offset = NumberAttribute(default=0)
    row = NumberAttribute(default=0)
    rows = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    updated = NumberAttribute(default=0)
    duplicates = NumberAttribute(default=0)
    rejected = NumberAttribute(default=0)
    parts = JSONAttribute(default=list)
    all_rejected = BooleanAttribute(null=True)
    runs = NumberAttribute(default=0)
    failure = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    started_at = InstantAttribute(null=True)
    moved_at = InstantAttribute(null=True)
    finished_at = InstantAttribute(null=True)

    @staticmethod
    def key(tenant: str, import_id: str) -> tuple[str, str]:
        return f"IMPORT#{tenant}#{import_id}", "IMPORT"

    @staticmethod
    def partition(tenant: str) -> str:
        return f"IMPORTS#{tenant}"

    def file(self, name: str) -> str:
        """A file of this import, inside the folder of its tenant."""
        return f"{self.import_id}/{name}"

    @property
    def upload(self) -> str:
        return self.file("upload.csv")


class NewImport(Body):
    """A file to import. `mapping` says for a column which field or attribute it is (null: none), `consent` what all
    people in the file have agreed to, unless a row says otherwise."""

    file_name: Name
    mapping: dict[Text, Text | None] = Field(default_factory=dict, max_length=250)
    consent: dict[Channel, NewConsent] = Field(default_factory=dict)
    on_duplicate: Literal["update", "skip"] = "update"

    @field_validator("file_name")
    @classmethod
    def _plain(cls, value: str) -> str:
        return value.replace("\\", "/").rsplit("/", 1)[-1] or "contacts.csv"


class Upload(View):
    """Where to put the file, with which headers, and until when (real time)."""

    method: Literal["PUT"] = "PUT"
    url: str
    headers: dict[str, str]
    expires: Instant


class ImportView(View):
    """An import: how far it is, and what became of its rows. `rows` = created + updated + duplicates + rejected."""

    id: str
    state: State
    file_name: str
    on_duplicate: str
    bytes_total: int | None
    bytes_read: int
    rows: int
    created: int
    updated: int
    duplicates: int
    rejected: int
    errors: str | None
    failure: str | None
    created_at: Instant
    started_at: Instant | None
    finished_at: Instant | None


class ImportWithUpload(ImportView):
    """A new import, and where its file goes."""

    upload: Upload


class ErrorsView(View):
    """Where the file of rejected rows can be had, and until when (real time). `complete` is false for a file that ends
    before the last of them, at 20 MB."""

    url: str
    expires: Instant
    rows: int
    complete: bool


def add(tenant: str, new: NewImport, *, import_id: str, actor: str, now: datetime) -> Import:
    """Create an import that waits for its file; the same id again gives the stored one."""
    row = Import(
        *Import.key(tenant, import_id),
        gsi1pk=Import.partition(tenant),
        gsi1sk=import_id,
        tenant=tenant,
        import_id=import_id,
        state="waiting",
        file_name=new.file_name,
        mapping=dict(new.mapping),
        consent={channel: said.model_dump(mode="json") for channel, said in new.consent.items()},
        on_duplicate=new.on_duplicate,
        created_by=actor,
        created_at=now,
    )
    try:
        row.create()
    except ConditionFailed as refused:
        return Import.from_raw_data(refused.found or {})
    return row


def get(tenant: str, import_id: str) -> Import:
    """Raises NotFound."""
    row = Import.fetch(*Import.key(tenant, import_id)) if ids.is_id(import_id, "imp") else None
    if row is None:
        raise NotFound("There is no such import.")
    return row


def start(tenant: str, import_id: str, now: datetime) -> Import:
    """Queue the import. Starting it again does nothing, except when it lost its machine and stalled: then it goes on
    where it was. Raises NotFound, FileMissing, FileTooLarge."""
    row = get(tenant, import_id)
    if row.state == "waiting":
        _queue(row, files.size(FOLDER, tenant, row.upload), now)
    elif row.state in ("queued", "running") and now - (row.moved_at or now) > STALLED:
        try:
            row.change(Import.runs.set(row.runs + 1), Import.moved_at.set(now), condition=Import.runs == row.runs)
        except ConditionFailed:
            return get(tenant, import_id)
    if row.state in ("queued", "running"):
        # The machine's name makes this once, also when an earlier request died before it came here.
        machines.start(IMPORT, f"{import_id}-{int(row.runs)}", {"tenant": tenant, "import_id": import_id})
    return row


def _queue(row: Import, size: int | None, now: datetime) -> None:
    if size is None:
        raise FileMissing("Put the file to the upload address first, with the Content-Type that the answer names.")
    if size > MOST_BYTES:
        raise FileTooLarge("A file of an import has at most 1 GB. Split it.")
    try:
        row.change(
            Import.state.set("queued"),
            Import.bytes_total.set(size),
            Import.moved_at.set(now),
            condition=Import.state == "waiting",
        )
    except ConditionFailed:
        row.refresh(consistent_read=True)


def upload(row: Import) -> Upload:
    """Where the file goes."""
    return Upload(
        url=files.upload_link(FOLDER, row.tenant, row.upload, CONTENT_TYPE, LINK_SECONDS),
        headers={"Content-Type": CONTENT_TYPE},
        expires=clock.wall() + timedelta(seconds=LINK_SECONDS),
    )


def errors(row: Import) -> ErrorsView:
    """Raises NotReady, NotFound."""
    if row.state not in ("done", "failed"):
        raise NotReady("The import is not finished. Ask again when its state is done.", headers={"Retry-After": "5"})
    if not row.rejected or files.size(FOLDER, row.tenant, row.file("rejected.csv")) is None:
        raise NotFound("No row of this import was rejected.")
    return ErrorsView(
        url=files.download_link(FOLDER, row.tenant, row.file("rejected.csv"), LINK_SECONDS),
        expires=clock.wall() + timedelta(seconds=LINK_SECONDS),
        rows=int(row.rejected),
        complete=row.all_rejected is not False,
    )


def view(row: Import) -> ImportView:
    """What the API shows of an import."""
    return ImportView(**_shown(row))


def view_with_upload(row: Import) -> ImportWithUpload:
    return ImportWithUpload(**_shown(row), upload=upload(row))


def _shown(row: Import) -> dict[str, Any]:
    return {
        "id": row.import_id,
        "state": row.state,
        "file_name": row.file_name,
        "on_duplicate": row.on_duplicate,
        "bytes_total": row.bytes_total,
        "bytes_read": row.offset,
        "rows": row.rows,
        **{name: getattr(row, name) for name in COUNTS},
        "errors": f"/v1/imports/{row.import_id}/errors" if row.all_rejected is not None and row.rejected else None,
        "failure": row.failure,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
    }
