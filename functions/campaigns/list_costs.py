"""List what was entered as costs of a campaign, oldest first."""

from drumbeat.campaigns import economics, model
from drumbeat.campaigns.economics import Cost, CostView
from drumbeat.campaigns.model import Campaign
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http("GET /v1/campaigns/{campaign_id}/costs", scope="campaigns:read", reads=(Campaign, Slug, Cost))
def handler(request: Request, campaign_id: str) -> list[CostView]:
    """404 for an unknown campaign."""
    campaign = model.get(request.tenant, campaign_id)
    return [economics.view(cost) for cost in economics.entries(campaign.tenant, campaign.campaign_id)]
