"""List suppressed addresses, the latest first."""

from drumbeat import lists, table
from drumbeat.contacts import suppressions
from drumbeat.contacts.suppressions import Suppression, SuppressionQuery, SuppressionView
from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/suppressions", scope="contacts:read", limit=STANDARD, reads=(Suppression,))
def handler(request: Request, query: SuppressionQuery) -> Page[SuppressionView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    partition = Suppression.partition(request.tenant)
    keep = None if query.reason is None else lambda row: row.reason == query.reason
    found = lists.page(Suppression, [partition], query, total=lambda: table.count(partition, number=1), keep=keep)
    return lists.shown(found, suppressions.view)
