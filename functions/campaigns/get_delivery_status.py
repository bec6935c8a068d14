"""Show what became of one recipient's message: status, when, why, and what a text message cost."""

from drumbeat.campaigns import delivery_status, model
from drumbeat.campaigns.delivery_status import DeliveryStatus, DeliveryStatusQuery
from drumbeat.campaigns.model import Campaign
from drumbeat.http import STANDARD, Request, http
from drumbeat.slugs import Slug


@http(
    "GET /v1/campaigns/{campaign_id}/delivery-status",
    scope="campaigns:read",
    limit=STANDARD,
    reads=(Campaign, Slug, *delivery_status.READS),
)
def handler(request: Request, campaign_id: str, query: DeliveryStatusQuery) -> DeliveryStatus:
    """404 for an unknown campaign, and for somebody who is no recipient of it."""
    return delivery_status.of(model.get(request.tenant, campaign_id), query)
