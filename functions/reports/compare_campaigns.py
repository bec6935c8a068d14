"""Compare campaigns: side by side, with intervals, KPI targets, and which differences are more than chance."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.campaigns.model import Campaign
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.reports import comparison
from drumbeat.reports.comparison import Comparison, ComparisonQuery
from drumbeat.sends.model import Chunk, Send, SendKey, Stat
from drumbeat.sends.totals import Totals
from drumbeat.slugs import Slug


@http(
    "GET /v1/reports/campaigns",
    scope="campaigns:read",
    limit=ANALYTICS,
    reads=(Campaign, Slug, Tenant, Send, SendKey, Chunk, Stat, CampaignMoney),
    writes=(Totals,),
)
def handler(request: Request, query: ComparisonQuery) -> Comparison:
    """404 when one of them is unknown, 422 for fewer than two or more than ten."""
    return comparison.compare(request.tenant, query)
