"""Change a segment. New criteria evaluate all contacts again, in the background."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import changes, shown
from drumbeat.segments.model import BACKFILL
from drumbeat.segments.views import SegmentChange, SegmentView


@http(
    "PATCH /v1/segments/{segment_id}",
    scope="segments:write",
    limit=STANDARD,
    reads=shown.READS,
    writes=changes.WRITES,
    starts=(BACKFILL,),
)
def handler(request: Request, segment_id: str, body: SegmentChange) -> SegmentView:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` for bad criteria, circles of segments, new criteria of a static segment;
    409 `CONFLICT` when segments were changed at the same time."""
    segment = changes.change(request.tenant, segment_id, body, request.now)
    return shown.view(segment, request.now)
