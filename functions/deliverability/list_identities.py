"""List sending identities, by name."""

from drumbeat import lists, table
from drumbeat.deliverability import claims
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.views import IdentityQuery, IdentityView, view
from drumbeat.fields import Page
from drumbeat.http import Request, http


@http("GET /v1/sending-identities", scope="senders:read", reads=(Identity, Claim))
def handler(request: Request, query: IdentityQuery) -> Page[IdentityView]:
    """422 for a cursor that is not of this list."""
    partition = Identity.partition(request.tenant)
    found = lists.page(Identity, [partition], query, total=lambda: table.count(partition, number=1), newest_first=False)
    held = claims.many("sending", [row.name for row in found.items])
    return lists.shown(found, lambda row: view(row, held.get(row.name), request.now))
