"""Give what a contact has said about messages, when, where and how, and whether the record is whole."""

from drumbeat.contacts import history
from drumbeat.contacts.history import HistoryView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/contacts/{contact_id}/consent", scope="contacts:read", limit=STANDARD, reads=history.READS)
def handler(request: Request, contact_id: str) -> HistoryView:
    """404 `NOT_FOUND` for an id that no contact of the tenant has or had. Entries are chained by hashes; `verified` is
    false when one was altered, removed or put in, and `broken` says which."""
    return history.show(request.tenant, contact_id, request.now)
