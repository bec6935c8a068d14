"""List the campaigns of a period that perform best."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.reports import trending
from drumbeat.reports.periods import TrendingQuery
from drumbeat.reports.trending import Trending
from drumbeat.sends.totals import Totals


@http("GET /v1/reports/trending", scope="campaigns:read", limit=ANALYTICS, reads=(Tenant, Totals, CampaignMoney))
def handler(request: Request, query: TrendingQuery) -> Trending:
    """422 for a period that ends before it starts, or of more than 400 days."""
    return trending.ranked(request.tenant, query, request.now)
