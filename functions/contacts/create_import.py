"""Prepare an import of contacts: the answer says where to put the CSV file."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports.model import FOLDER, Import, ImportWithUpload, NewImport
from drumbeat.http import UPLOAD, Request, http


@http("POST /v1/imports", scope="imports:write", limit=UPLOAD, status=201, writes=(Import,), files=(FOLDER,))
def handler(request: Request, body: NewImport) -> ImportWithUpload:
    """422 `VALIDATION_ERROR`. Without `consent` (and without a column for it) the people get no marketing."""
    row = imports.add(request.tenant, body, import_id=request.new_id("imp"), actor=request.actor, now=request.now)
    return imports.view_with_upload(row)
