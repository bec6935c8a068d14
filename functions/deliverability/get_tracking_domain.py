"""Show the domain that links in mails have, and what is missing for the one that was chosen."""

from drumbeat.deliverability import tracking
from drumbeat.deliverability.tracking import TrackingDomainView
from drumbeat.http import Request, http


@http("GET /v1/tracking-domain", scope="senders:read", reads=tracking.READS)
def handler(request: Request) -> TrackingDomainView:
    """Before a domain was chosen its `state` is none."""
    return tracking.shown(request.tenant)
