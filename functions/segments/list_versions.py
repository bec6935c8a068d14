"""List the definitions that a segment has had, the latest first, with the time that each was in force."""

from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import past
from drumbeat.segments.history import SegmentVersion
from drumbeat.segments.model import Segment
from drumbeat.segments.views import VersionView
from drumbeat.slugs import Slug


@http(
    "GET /v1/segments/{segment_id}/versions",
    scope="segments:read",
    limit=STANDARD,
    reads=(Segment, Slug, SegmentVersion),
)
def handler(request: Request, segment_id: str, query: Listing) -> Page[VersionView]:
    """404 `NOT_FOUND` for a segment that the tenant does not have."""
    return past.page_of_versions(request.tenant, segment_id, query)
