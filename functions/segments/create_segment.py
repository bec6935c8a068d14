"""Create a segment. Its members are found in the background; `state` is `ready` when all are."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import changes, shown
from drumbeat.segments.model import BACKFILL
from drumbeat.segments.views import NewSegment, SegmentView


@http(
    "POST /v1/segments",
    scope="segments:write",
    limit=STANDARD,
    status=201,
    reads=shown.READS,
    writes=changes.WRITES,
    starts=(BACKFILL,),
)
def handler(request: Request, body: NewSegment) -> SegmentView:
    """422 `VALIDATION_ERROR` names every bad condition by its path below `criteria`, 409 `TOO_MANY_SEGMENTS`."""
    segment = changes.create(
        request.tenant, body, segment_id=request.new_id("seg"), created_by=request.actor, now=request.now
    )
    return shown.view(segment, request.now)
