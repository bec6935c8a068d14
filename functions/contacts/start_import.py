"""Start an import whose file was uploaded. It runs in the background."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import shown
from drumbeat.contacts.imports.model import FOLDER, IMPORT, Import
from drumbeat.contacts.imports.views import ImportView, Reading
from drumbeat.http import STANDARD, Request, http


@http(
    "POST /v1/imports/{import_id}/start",
    scope="imports:write",
    limit=STANDARD,
    status=202,
    writes=(Import,),
    files=(FOLDER,),
    starts=(IMPORT,),
)
def handler(request: Request, import_id: str, body: Reading | None) -> ImportView:
    """404 `NOT_FOUND`; 409 `FILE_MISSING` before the file is there, `FILE_TOO_LARGE` above 1 GB. No body is needed; one
    with a mapping, say after a look at the preview, replaces the import's. Starting it again does nothing."""
    return shown.view(imports.start(request.tenant, import_id, body))
