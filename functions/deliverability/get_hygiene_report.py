"""Show a list hygiene report: how many contacts of each kind, and what to do about them."""

from drumbeat.deliverability.hygiene import model
from drumbeat.deliverability.hygiene.model import Report
from drumbeat.deliverability.hygiene.views import ReportView, view
from drumbeat.http import ANALYTICS, Request, http


@http("GET /v1/reports/list-hygiene/{report_id}", scope="analytics:read", limit=ANALYTICS, reads=(Report,))
def handler(request: Request, report_id: str) -> ReportView:
    """404 for an unknown report; `latest` stands for the id of the last one."""
    return view(model.get(request.tenant, report_id))
