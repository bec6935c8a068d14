"""Show a sending identity, with the DNS records that it needs."""

from drumbeat.deliverability import claims, model
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.views import IdentityView, view
from drumbeat.http import Request, http


@http("GET /v1/sending-identities/{identity_id}", scope="senders:read", reads=(Identity, Claim))
def handler(request: Request, identity_id: str) -> IdentityView:
    """404 for an unknown identity. A domain or address stands for its id."""
    row = model.get(request.tenant, identity_id)
    return view(row, claims.find("sending", row.name), request.now)
