"""Start, pause, go on with, skip a step of or stop an identity's warm-up."""

from drumbeat.deliverability import claims, model, steering
from drumbeat.deliverability.claims import Claim
from drumbeat.deliverability.model import Identity
from drumbeat.deliverability.views import IdentityView, WarmUpChange, view
from drumbeat.http import Request, http


@http("POST /v1/sending-identities/{identity_id}/warmup", scope="senders:write", reads=(Claim,), writes=(Identity,))
def handler(request: Request, identity_id: str, body: WarmUpChange) -> IdentityView:
    """404 for an unknown identity; 409 `NO_WARM_UP` for what was not started, or was stopped."""
    row = steering.warm(model.get(request.tenant, identity_id), body, request.now)
    return view(row, claims.find("sending", row.name), request.now)
