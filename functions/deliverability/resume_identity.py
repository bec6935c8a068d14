"""Let an identity send again that its reputation has paused. Its campaigns are resumed one by one, by hand."""

from drumbeat.deliverability import claims, model, reputation, steering
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.reputation import SendFigures
from drumbeat.deliverability.views import IdentityView, Resumption, view
from drumbeat.http import Request, http


@http(
    "POST /v1/sending-identities/{identity_id}/resume",
    scope="senders:write",
    reads=(Claim, SendFigures),
    writes=(Identity,),
    publishes=(steering.RESUMED,),
)
def handler(request: Request, identity_id: str, body: Resumption) -> IdentityView:
    """409 `IDENTITY_NOT_PAUSED`, and `REPUTATION_CRITICAL` while its figures are as bad, unless `override` is said."""
    row = model.get(request.tenant, identity_id)
    figure = reputation.figure(request.tenant, row.identity_id, request.now)
    steering.resume(row, body, figure, request.actor, request.now)
    return view(row, claims.find("sending", row.name), request.now)
