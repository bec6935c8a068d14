"""Show which KPI targets the campaigns of a period met, one by one and together."""

from drumbeat.accounts.model import Tenant
from drumbeat.campaigns.economics import CampaignMoney
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.reports import targets
from drumbeat.reports.periods import PeriodQuery
from drumbeat.reports.targets import KpiReport
from drumbeat.sends.totals import Totals


@http("GET /v1/reports/kpis", scope="campaigns:read", limit=ANALYTICS, reads=(Tenant, Totals, CampaignMoney))
def handler(request: Request, query: PeriodQuery) -> KpiReport:
    """422 for a period that ends before it starts, or of more than 400 days. `PATCH /v1/settings` changes targets."""
    return targets.report(request.tenant, query, request.now)
