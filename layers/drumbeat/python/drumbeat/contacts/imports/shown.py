"""Imports as the API shows them, and the links to their files."""

from datetime import timedelta
from typing import Any

from drumbeat import clock, files
from drumbeat.contacts.imports import report
from drumbeat.contacts.imports.model import FOLDER, Import
from drumbeat.contacts.imports.views import ErrorsView, ImportView, ImportWithUpload, Upload
from drumbeat.errors import Conflict, NotFound

CONTENT_TYPE = "text/csv"
LINK_SECONDS = 900


class NotReady(Conflict):
    code = "IMPORT_NOT_FINISHED"


def view(row: Import) -> ImportView:
    """What the API shows of an import."""
    return ImportView(**_shown(row))


def view_with_upload(row: Import) -> ImportWithUpload:
    return ImportWithUpload(**_shown(row), upload=upload(row))


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


def _shown(row: Import) -> dict[str, Any]:
    plain = (
        "state", "file_name", "format", "encoding", "delimiter", "on_duplicate", "segment_id", "bytes_total", "rows",
        "created", "updated", "duplicates", "rejected", "failure", "created_at", "started_at", "finished_at",
    )  # fmt: skip
    return {
        **{name: getattr(row, name) for name in plain},
        "id": row.import_id,
        "double_opt_in": bool(row.double_opt_in),
        "bytes_read": int(row.consumed if row.packed else row.offset),
        "asked_to_confirm": int(row.asked or 0),
        "errors": f"/v1/imports/{row.import_id}/errors" if row.all_rejected is not None and row.rejected else None,
        "report": report.view(row.report),
    }
