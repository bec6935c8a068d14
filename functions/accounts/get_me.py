"""Tell who the credential is, and what it may do."""

from drumbeat import access, limits
from drumbeat.accounts import me
from drumbeat.accounts.me import Me
from drumbeat.http import Request, http


@http("GET /v1/me", scope="self:read")
def handler(request: Request) -> Me:
    """Any credential may ask."""
    caller = access.identify(request.headers)
    actor, company = me.of(request.tenant, request.actor)
    return Me(actor=actor, tenant=company, scopes=sorted(caller.scopes), limits=limits.of(caller.limits))
