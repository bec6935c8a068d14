"""Delete a segment. It is gone at once; its members are removed in the background."""

from drumbeat.http import STANDARD, Answer, Request, http
from drumbeat.segments import changes
from drumbeat.segments.model import BACKFILL


@http(
    "DELETE /v1/segments/{segment_id}",
    scope="segments:write",
    limit=STANDARD,
    writes=changes.WRITES,
    starts=(BACKFILL,),
)
def handler(request: Request, segment_id: str) -> Answer:
    """404 `NOT_FOUND`; 409 `SEGMENT_IN_USE` while another segment refers to it."""
    segment = changes.delete(request.tenant, segment_id)
    return Answer({"id": segment.segment_id, "deleted": True}, "The segment was deleted.")
