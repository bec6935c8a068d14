"""Make a static segment of the contacts that a list hygiene report found of a kind; it is filled in the background."""

from drumbeat.deliverability.hygiene import model, walking
from drumbeat.deliverability.hygiene.model import HYGIENE, Report
from drumbeat.deliverability.hygiene.views import SegmentRequest
from drumbeat.http import Request, http
from drumbeat.segments import changes, shown
from drumbeat.segments.model import BACKFILL
from drumbeat.segments.views import NewSegment, SegmentView


@http(
    "POST /v1/reports/list-hygiene/{report_id}/segments",
    scope="segments:write",
    status=201,
    reads=(Report, *shown.READS),
    writes=changes.WRITES,
    starts=(HYGIENE, BACKFILL),
)
def handler(request: Request, report_id: str, body: SegmentRequest) -> SegmentView:
    """404 for an unknown report; 409 `REPORT_IS_RUNNING`; 422 for an unknown category. To leave these people out,
    exclude the segment."""
    report = model.finished(request.tenant, report_id)
    name = body.name or f"List hygiene: {body.category.replace('_', ' ')} ({report.created_at.date().isoformat()})"
    segment = changes.create(
        request.tenant,
        NewSegment(name=name, dynamic=False),
        segment_id=request.new_id("seg"),
        created_by=request.actor,
        now=request.now,
    )
    walking.fill(request.tenant, report.report_id, body.category, segment.segment_id)
    return shown.view(segment, request.now)
