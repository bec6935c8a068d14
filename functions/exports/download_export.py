"""Lead to the file of an export."""

from drumbeat.exports import model
from drumbeat.exports.model import READ_ONLY, Export
from drumbeat.http import STANDARD, Raw, Request, http


@http(
    "GET /v1/exports/{export_id}/download",
    scope="exports:read",
    limit=STANDARD,
    status=302,
    reads=(Export,),
    files=(READ_ONLY,),
)
def handler(request: Request, export_id: str) -> Raw:
    """302 to a fresh link that lives 15 minutes. 403 without the scopes to see such things otherwise; 404 `NOT_FOUND`,
    and `EXPORT_EXPIRED` when the file was kept long enough; 409 `EXPORT_NOT_FINISHED` while it is made (with
    `Retry-After`) and when it failed."""
    link = model.link(model.get(request.tenant, export_id), request.scopes)
    return Raw(status=302, headers={"Location": link.url, "Cache-Control": "no-store"})
