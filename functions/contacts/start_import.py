"""Start an import whose file was uploaded. It runs in the background."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports.model import FOLDER, IMPORT, Import, ImportView
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
def handler(request: Request, import_id: str) -> ImportView:
    """404 `NOT_FOUND`; 409 `FILE_MISSING` before the file is there, `FILE_TOO_LARGE` above 1 GB. Starting it again does
    nothing, unless the import stalled for 15 minutes: then it goes on where it was."""
    return imports.view(imports.start(request.tenant, import_id, request.now))
