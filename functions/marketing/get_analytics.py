"""Show what a marketing campaign brought: in all, by channel, against its goals, and who bought."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import budgets
from drumbeat.campaigns.model import Campaign
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.marketing import model
from drumbeat.marketing.model import ChannelResult, MarketingCampaign
from drumbeat.reports import buyers, marketing_analytics
from drumbeat.reports.marketing_analytics import MarketingAnalytics
from drumbeat.slugs import Slug


@http(
    "GET /v1/marketing-campaigns/{marketing_campaign_id}/analytics",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(MarketingCampaign, Tenant, Slug, Campaign, ChannelResult, *budgets.READS, *buyers.READS),
    timeout=25,
)
def handler(request: Request, marketing_campaign_id: str) -> MarketingAnalytics:
    """404 for an unknown marketing campaign."""
    return marketing_analytics.of(model.get(request.tenant, marketing_campaign_id), request.now)
