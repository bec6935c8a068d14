"""List segments, newest first, with their sizes, growth and figures."""

from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import shown
from drumbeat.segments.model import Segment
from drumbeat.segments.views import SegmentView


@http("GET /v1/segments", scope="segments:read", limit=STANDARD, reads=shown.READS, writes=(Segment,), timeout=25)
def handler(request: Request, query: Listing) -> Page[SegmentView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    return shown.page(request.tenant, query, request.now)
