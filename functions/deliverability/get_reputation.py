"""Show an identity's reputation: bounces and complaints of the last seven days, and what they are held against."""

from drumbeat.deliverability import model, reputation
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.deliverability.views import ReputationView, reputation_view
from drumbeat.http import ANALYTICS, Request, http


@http(
    "GET /v1/sending-identities/{identity_id}/reputation",
    scope="senders:read",
    limit=ANALYTICS,
    reads=(Identity, SendFigures),
)
def handler(request: Request, identity_id: str) -> ReputationView:
    """404 for an unknown identity."""
    row = model.get(request.tenant, identity_id)
    sends = reputation.rows(request.tenant, row.identity_id, request.now)
    return reputation_view(row, sends, request.now)
