"""Show a counting job: what was found so far, exact when it is done."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.segments import preview
from drumbeat.segments.model import Preview
from drumbeat.segments.views import CountView


@http("GET /v1/segments/preview/{job_id}", scope="segments:read", limit=STANDARD, reads=(Preview,))
def handler(request: Request, job_id: str) -> CountView:
    """404 `NOT_FOUND` for a job that the tenant does not have; jobs are kept for two days."""
    return preview.shown(request.tenant, job_id)
