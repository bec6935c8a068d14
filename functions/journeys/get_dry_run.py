"""Show a dry run: what it has found so far, whole when it is done."""

from drumbeat.http import Request, http
from drumbeat.journeys import dry_run
from drumbeat.journeys.dry_run import DryRun, DryRunView


@http("GET /v1/journeys/dry-run/{job_id}", scope="journeys:read", reads=(DryRun,))
def handler(request: Request, job_id: str) -> DryRunView:
    """404 for a dry run that the tenant does not have; they are kept for two days."""
    return dry_run.shown(request.tenant, job_id)
