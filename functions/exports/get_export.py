"""Tell how far an export is; when it is done, with a fresh link to its file."""

from drumbeat.exports import model
from drumbeat.exports.model import READ_ONLY, Export, ExportView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/exports/{export_id}", scope="exports:read", limit=STANDARD, reads=(Export,), files=(READ_ONLY,))
def handler(request: Request, export_id: str) -> ExportView:
    """404 `NOT_FOUND`. A failed export has its reason in `failure`. Without the scopes to see such things otherwise
    there is no `download`."""
    return model.view(model.get(request.tenant, export_id), request.scopes)
