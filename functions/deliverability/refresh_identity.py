"""Ask the mail provider whether an identity is verified by now."""

from drumbeat.channels.email import ses_identities
from drumbeat.deliverability import claims, identities, model
from drumbeat.deliverability.views import IdentityView, view
from drumbeat.http import Request, http


@http(
    "POST /v1/sending-identities/{identity_id}/refresh",
    scope="senders:write",
    writes=identities.WRITES,
    calls=ses_identities.LOOKS,
)
def handler(request: Request, identity_id: str) -> IdentityView:
    """404 for an unknown identity; 503 when the provider cannot be asked."""
    row = identities.refresh(model.get(request.tenant, identity_id), request.now)
    return view(row, claims.find("sending", row.name), request.now)
