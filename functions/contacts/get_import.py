"""Tell how far an import is, and what became of its rows."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import shown
from drumbeat.contacts.imports.model import Import
from drumbeat.contacts.imports.views import ImportView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/imports/{import_id}", scope="imports:read", limit=STANDARD, reads=(Import,))
def handler(request: Request, import_id: str) -> ImportView:
    """404 `NOT_FOUND`."""
    return shown.view(imports.get(request.tenant, import_id))
