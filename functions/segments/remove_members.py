"""Remove contacts from a static segment, by their ids, e-mail addresses or your own ids."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import static_lists
from drumbeat.segments.views import MembersNamed, MembersRemoved


@http(
    "POST /v1/segments/{segment_id}/members/remove",
    scope="segments:write",
    limit=STANDARD,
    reads=static_lists.FINDS,
    writes=static_lists.WRITES,
)
def handler(request: Request, segment_id: str, body: MembersNamed) -> MembersRemoved:
    """404 `NOT_FOUND`; 409 `SEGMENT_IS_DYNAMIC`, and `SEGMENT_IS_BUILDING` while its first members are being found."""
    return static_lists.remove_named(request.tenant, segment_id, body, request.now)
