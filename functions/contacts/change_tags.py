"""Add tags to a contact, and remove tags from it."""

from drumbeat.contacts import changes, shown
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import ContactView, TagChange
from drumbeat.http import STANDARD, Request, http


@http("POST /v1/contacts/{contact_id}/tags", scope="contacts:write", limit=STANDARD, writes=(Contact,))
def handler(request: Request, contact_id: str, body: TagChange) -> ContactView:
    """404 `NOT_FOUND`; 422 `VALIDATION_ERROR` when the contact would have more than 100 tags."""
    return shown.view(changes.change_tags(request.tenant, contact_id, body, request.now))
