"""List imports, the latest first."""

from drumbeat import lists, table
from drumbeat.contacts.imports import shown
from drumbeat.contacts.imports.model import Import
from drumbeat.contacts.imports.views import ImportView
from drumbeat.fields import Listing, Page
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/imports", scope="imports:read", limit=STANDARD, reads=(Import,))
def handler(request: Request, query: Listing) -> Page[ImportView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    partition = Import.partition(request.tenant)
    found = lists.page(Import, [partition], query, total=lambda: table.count(partition, number=1))
    return lists.shown(found, shown.view)
