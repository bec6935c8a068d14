"""List marketing campaigns, newest first, with what they brought and the sums of all that match."""

from drumbeat import counts, lists
from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.campaigns import budgets
from drumbeat.campaigns.model import Campaign
from drumbeat.counts import Count
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.marketing import model
from drumbeat.marketing.model import ChannelResult, MarketingCampaign
from drumbeat.marketing.views import MarketingCampaignQuery
from drumbeat.reports import marketing
from drumbeat.reports.marketing import MarketingCampaignPage


@http(
    "GET /v1/marketing-campaigns",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Tenant, Count, Campaign, ChannelResult, *budgets.READS),
    writes=(MarketingCampaign,),
    timeout=25,
)
def handler(request: Request, query: MarketingCampaignQuery) -> MarketingCampaignPage:
    """422 for a cursor that is not of this list, or a status that there is not."""
    matching: list[MarketingCampaign] = []

    def wanted(campaign: MarketingCampaign) -> bool:
        found = query.wants(campaign, request.now)
        if found:
            matching.append(campaign)
        return found

    page = lists.page(
        MarketingCampaign,
        [MarketingCampaign.partition(request.tenant)],
        query,
        total=lambda: counts.total(request.tenant, model.LIST),
        keep=wanted,
    )
    marketing.refresh(matching, request.now)
    return MarketingCampaignPage(
        **lists.shown(page, lambda campaign: marketing.result(campaign, request.now)).model_dump(),
        summary=marketing.summary(matching, settings.of(request.tenant).currency),
    )
