"""Add contacts to a static segment, by their ids, e-mail addresses or your own ids."""

from drumbeat.contacts.customers import wanting
from drumbeat.contacts.opt_in import inviting
from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import static_lists
from drumbeat.segments.model import Member
from drumbeat.segments.views import MembersAdded, MembersNamed


@http(
    "POST /v1/segments/{segment_id}/members",
    scope="segments:write",
    limit=STANDARD,
    reads=(*static_lists.FINDS, *inviting.READS),
    writes=(Member, *inviting.WRITES, *wanting.WRITES),
    sends=wanting.SENDS,
)
def handler(request: Request, segment_id: str, body: MembersNamed) -> MembersAdded:
    """404 `NOT_FOUND`; 409 `SEGMENT_IS_DYNAMIC` for a segment that follows criteria. Names that no contact has are
    listed as `unknown`; the others are added. A list with double opt-in asks those who have said nothing about
    e-mail. With a customer system, unknown `external_ids` are `awaited`: added once their profiles have been read."""
    return static_lists.add_named(request.tenant, segment_id, body, request.now)
