"""Check a domain's DNS records: DKIM, MAIL FROM, SPF and DMARC, as they are and as they should be."""

from drumbeat.deliverability import claims, model, setup
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.views import SetupView, setup_view
from drumbeat.http import Request, http


@http("GET /v1/sending-identities/{identity_id}/dns", scope="senders:read", reads=(Identity, Claim), timeout=29)
def handler(request: Request, identity_id: str) -> SetupView:
    """404 for an unknown identity. What cannot be looked up now is a warning."""
    row = model.get(request.tenant, identity_id)
    return setup_view(row, setup.checked(row, claims.find("sending", row.name)))
