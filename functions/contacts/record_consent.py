"""Record what a contact said about messages of a channel, with when, where and how."""

from drumbeat.contacts import consent, shown
from drumbeat.contacts.views import ConsentStatement, ContactView
from drumbeat.http import STANDARD, Request, http


@http("PUT /v1/contacts/{contact_id}/consent", scope="contacts:write", limit=STANDARD, writes=consent.WRITES)
def handler(request: Request, contact_id: str, body: ConsentStatement) -> ContactView:
    """404 `NOT_FOUND`; 409 `CONSENT_IS_NEWER` when a later statement for the channel is on record."""
    contact = consent.record(request.tenant, contact_id, body, request.now, cause=request.new_id("req"))
    return shown.view(contact)
