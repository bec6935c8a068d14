"""Get a link to the rows that an import rejected: a CSV file with number, fields, messages and the row itself."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import shown
from drumbeat.contacts.imports.model import READ_ONLY, Import
from drumbeat.contacts.imports.views import ErrorsView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/imports/{import_id}/errors", scope="imports:read", limit=STANDARD, reads=(Import,), files=(READ_ONLY,))
def handler(request: Request, import_id: str) -> ErrorsView:
    """404 `NOT_FOUND`, also when no row was rejected; 409 `IMPORT_NOT_FINISHED` while it runs."""
    return shown.errors(imports.get(request.tenant, import_id))
