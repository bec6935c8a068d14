"""Show what became of a campaign: sent, delivered, opened, clicked, bounced, conversions and rates."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import model, results
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.campaigns.model import Campaign
from drumbeat.campaigns.results import Results
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.totals import Totals
from drumbeat.slugs import Slug


@http(
    "GET /v1/campaigns/{campaign_id}/performance",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Campaign, Slug, Tenant, Send, SendKey, Chunk, Stat, CampaignMoney),
    writes=(Totals,),
)
def handler(request: Request, campaign_id: str) -> Results:
    """404 for an unknown campaign."""
    return results.of(model.get(request.tenant, campaign_id))
