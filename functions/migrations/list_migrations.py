"""List migrations with their reports, the latest first."""

from drumbeat import lists, table
from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http
from drumbeat.migrations import model
from drumbeat.migrations.model import Migration
from drumbeat.migrations.views import MigrationView


@http("GET /v1/migrations", scope="imports:read", limit=STANDARD, reads=(Migration,))
def handler(request: Request, query: Listing) -> Page[MigrationView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    partition = Migration.partition(request.tenant)
    found = lists.page(Migration, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, model.view)
