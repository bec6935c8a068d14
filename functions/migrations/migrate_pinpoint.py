"""Take over segments, campaigns and e-mail templates from Amazon Pinpoint, and hear what could not be."""

from drumbeat.http import Request, http
from drumbeat.migrations import model, running
from drumbeat.migrations.model import Migration
from drumbeat.migrations.views import MigrationView, NewMigration
from drumbeat.segments.model import BACKFILL


@http(
    "POST /v1/migrations/pinpoint",
    scope="imports:write",
    status=201,
    reads=running.READS,
    writes=(Migration, *running.WRITES),
    starts=(BACKFILL,),
    memory=1024,
    timeout=29,
)
def handler(request: Request, body: NewMigration) -> MigrationView:
    """403 without the scopes to make segments, templates and campaigns; 422 `VALIDATION_ERROR`. What cannot be taken
    over is no refusal: the report has it. Repeating it makes nothing twice. People come by an import of endpoints."""
    for scope in ("segments:write", "templates:write", "campaigns:write"):
        request.require(scope)
    results = running.run(request.tenant, body, request.actor, request.now)
    row = model.add(
        request.tenant, request.new_id("mig"), results, dry_run=body.dry_run, actor=request.actor, now=request.now
    )
    return model.view(row)
