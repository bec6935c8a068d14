"""Look at all contacts for those who are not worth, or not safe, to be mailed."""

from drumbeat.counts import Count
from drumbeat.deliverability.hygiene import walking
from drumbeat.deliverability.hygiene.model import HYGIENE, Report
from drumbeat.deliverability.hygiene.views import ReportRequest, ReportView, view
from drumbeat.http import ANALYTICS, Request, http


@http(
    "POST /v1/reports/list-hygiene",
    scope="analytics:read",
    limit=ANALYTICS,
    status=201,
    reads=(Count,),
    writes=(Report,),
    starts=(HYGIENE,),
)
def handler(request: Request, body: ReportRequest) -> ReportView:
    """While a report is being made, it is that one. 422 `VALIDATION_ERROR` for days out of range."""
    return view(walking.start(request.tenant, request.new_id("hyg"), body.inactive_days, request.now))
