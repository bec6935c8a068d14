"""Show how a journey performs: its funnel by step, its messages, conversions and revenue, and its holdout's lift."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.journeys import measuring, model, performance
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.model import Journey
from drumbeat.journeys.performance import Performance, PerformanceQuery
from drumbeat.journeys.sending import DailySend
from drumbeat.sends.totals import Totals
from drumbeat.slugs import Slug


@http(
    "GET /v1/journeys/{journey_id}/performance",
    scope="journeys:read",
    limit=ANALYTICS,
    reads=(Tenant, Slug, Journey, DailySend, Totals, *measuring.READS),
    writes=(Cell,),
    memory=512,
    timeout=25,
)
def handler(request: Request, journey_id: str, query: PerformanceQuery) -> Performance:
    """404 for an unknown journey or version; 422 for days that are no range."""
    return performance.of(model.get(request.tenant, journey_id), query, request.now)
