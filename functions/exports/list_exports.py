"""List exports, the latest first."""

from drumbeat import lists, table
from drumbeat.exports import model
from drumbeat.exports.model import READ_ONLY, Export, ExportView
from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/exports", scope="exports:read", limit=STANDARD, reads=(Export,), files=(READ_ONLY,))
def handler(request: Request, query: Listing) -> Page[ExportView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    partition = Export.partition(request.tenant)
    found = lists.page(Export, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, lambda row: model.view(row, request.scopes))
