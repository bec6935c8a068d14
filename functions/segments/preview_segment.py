"""Try criteria: an estimate of how many contacts match at once, and a job that counts exactly."""

from drumbeat.counts import Count
from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import preview
from drumbeat.segments.model import COUNT_AUDIENCE, Preview
from drumbeat.segments.views import PreviewRequest, PreviewView


@http(
    "POST /v1/segments/preview",
    scope="segments:read",
    limit=STANDARD,
    reads=(*preview.READS, Count),
    writes=(Preview,),
    starts=(COUNT_AUDIENCE,),
    timeout=25,
)
def handler(request: Request, body: PreviewRequest) -> PreviewView:
    """422 `VALIDATION_ERROR` names every bad condition by its path below `criteria`."""
    return preview.preview(request.tenant, body.criteria, request.new_id("job"), request.now)
