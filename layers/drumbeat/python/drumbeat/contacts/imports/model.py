"""Imports of contacts: what was asked, how far it is, and what became of the rows.

pk                        sk        gsi1pk               gsi1sk    gsi2pk           gsi2sk
IMPORT#<tenant>#<id>      IMPORT    IMPORTS#<tenant>     <id>      DUE#imports#0    <wall time>    while it runs

It is due when nobody has gone on with it for a while. The file lies in `imports/<tenant>/<id>/upload.csv`, the rejected
rows of each slice beside it, and at the end all of them in `<id>/rejected.csv`.
"""

from datetime import datetime, timedelta
from typing import Any

from pynamodb.attributes import BooleanAttribute, JSONAttribute
from pynamodb.expressions.update import Action

from drumbeat import clock, files, ids, machines
from drumbeat.contacts.imports.views import NewImport, Reading
from drumbeat.declare import Files, Machine
from drumbeat.errors import Conflict, NotFound
from drumbeat.table import ConditionFailed, Entity, InstantAttribute, NumberAttribute, UnicodeAttribute, index

FOLDER = Files("imports")
# What a function that only shows something may do there.
READ_ONLY = Files("imports", write=False)
IMPORT = Machine("import")
MOST_BYTES = 1 << 30
# A slice takes seconds, and its machine repeats it; one that moved nothing for so long has lost its machine. Wall time.
LOST_AFTER = timedelta(minutes=5)
DUE = "DUE#imports#0"
COUNTS = ("created", "updated", "duplicates", "rejected")
UNDER_WAY = ("queued", "running")


class FileMissing(Conflict):
    code = "FILE_MISSING"


class FileTooLarge(Conflict):
    code = "FILE_TOO_LARGE"


class Import(Entity):
    """An import. `offset` and `row` say how far it is; they move with the counts, and only from where they were.

    Of a packed file, `offset` counts unpacked bytes, and `consumed` those of the file itself.
    """

    TYPE = "IMPORT"
    INDEX_TYPES = {"gsi1": "IMPORTS", "gsi2": "DUE"}

    gsi1pk = UnicodeAttribute()
    gsi1sk = UnicodeAttribute()
    gsi2pk = UnicodeAttribute(null=True)
    gsi2sk = UnicodeAttribute(null=True)
    listed = index(1)
    tenant = UnicodeAttribute()
    import_id = UnicodeAttribute()
    state = UnicodeAttribute()
    file_name = UnicodeAttribute()
    mapping = JSONAttribute(default=dict)
    consent = JSONAttribute(default=dict)
    on_duplicate = UnicodeAttribute()
    double_opt_in = BooleanAttribute(default=False)
    tags = JSONAttribute(default=list)
    segment_id = UnicodeAttribute(null=True)
    format = UnicodeAttribute(null=True)
    encoding = UnicodeAttribute(null=True)
    delimiter = UnicodeAttribute(null=True)
    packed = BooleanAttribute(default=False)
    header = JSONAttribute(null=True)
    bytes_total = NumberAttribute(null=True)
    offset = NumberAttribute(default=0)
    consumed = NumberAttribute(default=0)
    row = NumberAttribute(default=0)
    rows = NumberAttribute(default=0)
    created = NumberAttribute(default=0)
    updated = NumberAttribute(default=0)
    duplicates = NumberAttribute(default=0)
    rejected = NumberAttribute(default=0)
    asked = NumberAttribute(default=0)
    report = JSONAttribute(null=True)
    parts = JSONAttribute(default=list)
    all_rejected = BooleanAttribute(null=True)
    runs = NumberAttribute(default=0)
    failure = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute(null=True)
    created_at = InstantAttribute()
    started_at = InstantAttribute(null=True)
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


def held() -> list[Action]:
    """The update that says that somebody works on the import: when it is to be swept, if nobody goes on."""
    return [Import.gsi2pk.set(DUE), Import.gsi2sk.set(clock.iso(clock.wall() + LOST_AFTER))]


def over() -> list[Action]:
    return [Import.gsi2pk.remove(), Import.gsi2sk.remove()]


def add(
    tenant: str, new: NewImport, *, import_id: str, actor: str, now: datetime, segment_id: str | None = None
) -> Import:
    """Create an import that waits for its file; the same id again gives the stored one."""
    row = Import(
        *Import.key(tenant, import_id),
        gsi1pk=Import.partition(tenant),
        gsi1sk=import_id,
        tenant=tenant,
        import_id=import_id,
        state="waiting",
        file_name=new.file_name,
        consent={channel: said.model_dump(mode="json") for channel, said in new.consent.items()},
        on_duplicate=new.on_duplicate,
        double_opt_in=new.double_opt_in,
        tags=list(new.tags),
        segment_id=segment_id,
        created_by=actor,
        created_at=now,
        **_reading(new),
    )
    try:
        row.create()
    except ConditionFailed as refused:
        return Import.from_raw_data(refused.found or {})
    return row


def _reading(said: Reading) -> dict[str, Any]:
    return {
        "mapping": dict(said.mapping), "format": said.format, "encoding": said.encoding, "delimiter": said.delimiter,
    }  # fmt: skip


def get(tenant: str, import_id: str) -> Import:
    """Raises NotFound."""
    row = Import.fetch(*Import.key(tenant, import_id)) if ids.is_id(import_id, "imp") else None
    if row is None:
        raise NotFound("There is no such import.")
    return row


def start(tenant: str, import_id: str, reading: Reading | None = None) -> Import:
    """Queue the import, read in another way where that is said. Starting it again does nothing.

    Raises NotFound, FileMissing, FileTooLarge.
    """
    row = get(tenant, import_id)
    if row.state == "waiting":
        _queue(row, checked_size(row), reading)
    if row.state in UNDER_WAY:
        start_machine(row)
    return row


def start_machine(row: Import) -> None:
    """The machine's name makes this once for each run, also when an earlier request died before it came here."""
    machines.start(IMPORT, f"{row.import_id}-{int(row.runs)}", {"tenant": row.tenant, "import_id": row.import_id})


def checked_size(row: Import) -> int:
    """How many bytes the uploaded file has. Raises FileMissing, FileTooLarge."""
    size = files.size(FOLDER, row.tenant, row.upload)
    if size is None:
        raise FileMissing("Put the file to the upload address first, with the Content-Type that the answer names.")
    if size > MOST_BYTES:
        raise FileTooLarge("A file of an import has at most 1 GB. Split it, or pack it with gzip.")
    return size


def _queue(row: Import, size: int, reading: Reading | None) -> None:
    said = {name: value for name, value in (_reading(reading) if reading else {}).items() if value}
    changed = [getattr(Import, name).set(value) for name, value in said.items()]
    queued = [Import.state.set("queued"), Import.bytes_total.set(size), *held(), *changed]
    try:
        row.change(*queued, condition=Import.state == "waiting")
    except ConditionFailed:
        row.refresh(consistent_read=True)
