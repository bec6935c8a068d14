"""List a segment's members, sorted if wanted, with what they have in common."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import members, model
from drumbeat.segments.views import Members, MembersQuery


@http(
    "GET /v1/segments/{segment_id}/members",
    scope="segments:read",
    limit=STANDARD,
    reads=members.READS,
    writes=members.WRITES,
    timeout=25,
)
def handler(request: Request, segment_id: str, query: MembersQuery) -> Members:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` for a sort or a page number on more than 10,000 members."""
    return members.page(request.tenant, model.get(request.tenant, segment_id), query, request.now)
