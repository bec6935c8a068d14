"""Set up a domain or an e-mail address to send from."""

from drumbeat.channels.email import ses_identities
from drumbeat.deliverability import claims, identities
from drumbeat.deliverability.views import IdentityView, NewIdentity, view
from drumbeat.http import Request, http


@http(
    "POST /v1/sending-identities",
    scope="senders:write",
    status=201,
    writes=identities.WRITES,
    calls=ses_identities.CREATES,
    timeout=29,
)
def handler(request: Request, body: NewIdentity) -> IdentityView:
    """409 `DOMAIN_TAKEN` and `IDENTITY_TAKEN` for what is somebody else's, `IDENTITY_SHARED` for what the operator
    shares; 503 when the provider could not do all of it: the same request goes on. Twice is once."""
    wanted = body.checked()
    row = identities.add(request.tenant, wanted.name, wanted.mail_from, request.actor, request.now)
    return view(row, claims.find("sending", row.name), request.now)
