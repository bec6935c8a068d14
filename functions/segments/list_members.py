"""List a segment's members, sorted if wanted, with what they have in common; or those of a past day."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import members, model
from drumbeat.segments.views import Members, MembersQuery


@http(
    "GET /v1/segments/{segment_id}/members",
    scope="segments:read",
    limit=STANDARD,
    reads=members.READS,
    writes=members.WRITES,
    memory=1024,
    timeout=29,
)
def handler(request: Request, segment_id: str, query: MembersQuery) -> Members:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` for a sort or a page number on more than 100,000 members, and for `on`
    before the segment existed."""
    return members.page(request.tenant, model.get(request.tenant, segment_id), query, request.now)
