"""Prepare an import of contacts: the answer says where to put the file."""

from drumbeat.contacts.imports import model as imports
from drumbeat.contacts.imports import shown
from drumbeat.contacts.imports.model import FOLDER, Import
from drumbeat.contacts.imports.views import ImportWithUpload, NewImport
from drumbeat.http import UPLOAD, Request, http
from drumbeat.segments import static_lists
from drumbeat.segments.model import Segment
from drumbeat.slugs import Slug


@http(
    "POST /v1/imports",
    scope="imports:write",
    limit=UPLOAD,
    status=201,
    reads=(Segment, Slug),
    writes=(Import,),
    files=(FOLDER,),
)
def handler(request: Request, body: NewImport) -> ImportWithUpload:
    """422 `VALIDATION_ERROR`; with `segment_id`, 403 without the scope segments:write, 404 for an unknown segment, 409
    `SEGMENT_IS_DYNAMIC`. Without `consent` (and without a column for it) the people get no marketing."""
    wanted = None
    if body.segment_id:
        request.require("segments:write")
        wanted = static_lists.get(request.tenant, body.segment_id).segment_id
    row = imports.add(
        request.tenant, body, import_id=request.new_id("imp"), actor=request.actor, now=request.now, segment_id=wanted
    )
    return shown.view_with_upload(row)
