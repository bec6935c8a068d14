"""List who unsubscribed, when, how and why, the latest first."""

from drumbeat import lists
from drumbeat.contacts import unsubscribes
from drumbeat.contacts.unsubscribes import Unsubscribe, UnsubscribeQuery, UnsubscribeView
from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/unsubscribes", scope="contacts:read", limit=STANDARD, reads=(Unsubscribe,))
def handler(request: Request, query: UnsubscribeQuery) -> Page[UnsubscribeView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    listed = unsubscribes.partitions(request.tenant, query.channel)
    found = lists.page(Unsubscribe, listed, query, total=lambda: unsubscribes.total(listed))
    return lists.shown(found, unsubscribes.view)
