"""Tell whether a contact was in a segment, now or on a past day, and all times that it was in it."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import history, past
from drumbeat.segments.views import MembershipQuery, MembershipView


@http(
    "GET /v1/segments/{segment_id}/members/{contact_id}",
    scope="segments:read",
    limit=STANDARD,
    reads=history.READS,
)
def handler(request: Request, segment_id: str, contact_id: str, query: MembershipQuery) -> MembershipView:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` for a day before the segment existed, or in the future."""
    return past.membership(request.tenant, segment_id, contact_id, query.on, request.now)
