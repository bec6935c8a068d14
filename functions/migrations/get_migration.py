"""Give a migration's report."""

from drumbeat.http import STANDARD, Request, http
from drumbeat.migrations import model
from drumbeat.migrations.model import Migration
from drumbeat.migrations.views import MigrationView


@http("GET /v1/migrations/{migration_id}", scope="imports:read", limit=STANDARD, reads=(Migration,))
def handler(request: Request, migration_id: str) -> MigrationView:
    """404 `NOT_FOUND`."""
    return model.view(model.get(request.tenant, migration_id))
