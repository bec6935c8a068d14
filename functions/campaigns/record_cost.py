"""Write down what a campaign cost besides sending: design, an agency."""

from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import economics, model
from drumbeat.campaigns.economics import CampaignMoney, Cost, CostView, NewCost
from drumbeat.campaigns.model import Campaign
from drumbeat.http import Request, http
from drumbeat.slugs import Slug


@http(
    "POST /v1/campaigns/{campaign_id}/costs",
    scope="campaigns:write",
    status=201,
    reads=(Campaign, Slug, Tenant),
    writes=(Cost, CampaignMoney),
)
def handler(request: Request, campaign_id: str, body: NewCost) -> CostView:
    """The amount is in the account's currency; a negative one corrects an earlier one. 404 for an unknown campaign,
    422 for an amount of 0. Send an Idempotency-Key, so that a repeated request does not count twice."""
    campaign = model.get(request.tenant, campaign_id)
    currency = settings.of(request.tenant).currency
    cost = economics.enter_cost(
        campaign.tenant, campaign.campaign_id, request.new_id("cst"), body, currency, request.actor, request.now
    )
    return economics.view(cost)
