"""Delete a sending identity, here and at the mail provider."""

from drumbeat.channels.email import ses_identities
from drumbeat.deliverability import identities, model
from drumbeat.http import Answer, Request, http


@http(
    "DELETE /v1/sending-identities/{identity_id}",
    scope="senders:write",
    writes=identities.WRITES,
    calls=ses_identities.REMOVES,
    timeout=29,
)
def handler(request: Request, identity_id: str) -> Answer:
    """404 for an unknown identity; 503 when the provider could not do all of it: the same request goes on. Campaigns
    under way from it are paused by the provider's refusal."""
    row = model.get(request.tenant, identity_id)
    identities.remove(row)
    return Answer({"id": row.identity_id, "deleted": True}, "The sending identity was deleted.")
