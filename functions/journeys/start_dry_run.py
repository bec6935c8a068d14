"""Replay a journey against the last 90 days: who would have entered, which path, how many messages on which day."""

from drumbeat.http import ANALYTICS, Request, http
from drumbeat.journeys import dry_run
from drumbeat.journeys.dry_run import DryRun, DryRunRequest, DryRunView
from drumbeat.journeys.work import DRY_RUN


@http(
    "POST /v1/journeys/dry-run",
    scope="journeys:read",
    limit=ANALYTICS,
    status=202,
    reads=dry_run.LOOKS_UP,
    writes=(DryRun,),
    starts=(DRY_RUN,),
    memory=512,
)
def handler(request: Request, body: DryRunRequest) -> DryRunView:
    """404 for an unknown journey or version; 422 names every bad step and field, `JOURNEY_NOT_READY` segments and
    journeys that there are not. Nothing is sent, and nothing is changed."""
    return dry_run.begin(request.tenant, body, request.new_id("dry"), request.now)
