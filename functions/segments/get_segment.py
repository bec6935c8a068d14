"""Show a segment, counted now (above 50,000 members, as of `counted_at`)."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import model, shown
from drumbeat.segments.model import Segment
from drumbeat.segments.views import SegmentView


@http("GET /v1/segments/{segment_id}", scope="segments:read", limit=STANDARD, reads=shown.READS, writes=(Segment,))
def handler(request: Request, segment_id: str) -> SegmentView:
    """404 `NOT_FOUND` for an id or a slug that no segment of the tenant has."""
    return shown.view(model.get(request.tenant, segment_id), request.now)
