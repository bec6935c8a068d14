"""Choose the domain that links in mails have; it is used when its DNS records are there."""

from drumbeat.deliverability import tracking
from drumbeat.deliverability.tracking import TrackingDomain, TrackingDomainView
from drumbeat.http import Request, http


@http("PUT /v1/tracking-domain", scope="senders:write", writes=tracking.WRITES)
def handler(request: Request, body: TrackingDomain) -> TrackingDomainView:
    """409 `DOMAIN_TAKEN` for a domain of another account. The same request looks at the DNS again. Campaigns keep the
    domain that they were launched with."""
    return tracking.choose(request.tenant, body.domain, request.now)
