"""Start an export: contacts, a segment, recipients, timelines and more as CSV, XLSX or JSON, or everything."""

from drumbeat.exports import asking, model
from drumbeat.exports.asking import NewExport
from drumbeat.exports.model import EXPORT, FOLDER, Export, ExportView
from drumbeat.http import ANALYTICS, Request, http


@http(
    "POST /v1/exports",
    scope="exports:write",
    limit=ANALYTICS,
    status=202,
    reads=asking.READS,
    writes=(Export,),
    starts=(EXPORT,),
    files=(FOLDER,),
)
def handler(request: Request, body: NewExport) -> ExportView:
    """422 `VALIDATION_ERROR` names unknown kinds, fields and filters with those that there are; 403 without the scopes
    to see such things otherwise (`contacts:read`, …); 404 for an unknown segment, campaign or contact."""
    for scope in asking.scopes(body):
        request.require(scope)
    job = asking.add(
        request.tenant, body, export_id=request.new_id("exp"), actor=request.actor, now=request.now
    )  # fmt: skip
    return model.view(job, request.scopes)
