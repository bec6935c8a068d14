"""Show how an uploaded file would be read: its format and encoding, what each column becomes, and its first rows."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import previewing
from drumbeat.contacts.imports.model import READ_ONLY, Import
from drumbeat.contacts.imports.views import PreviewView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/imports/{import_id}/preview", scope="imports:read", limit=STANDARD, reads=(Import,), files=(READ_ONLY,))
def handler(request: Request, import_id: str) -> PreviewView:
    """404 `NOT_FOUND`; 409 `FILE_MISSING` before the file is there, `FILE_TOO_LARGE` above 1 GB."""
    return previewing.preview(imports.get(request.tenant, import_id))
