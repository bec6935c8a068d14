"""Get a contact."""

from drumbeat.contacts import model as contacts
from drumbeat.contacts import shown
from drumbeat.contacts.model import Contact
from drumbeat.contacts.views import ContactView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/contacts/{contact_id}", scope="contacts:read", limit=STANDARD, reads=(Contact,))
def handler(request: Request, contact_id: str) -> ContactView:
    """404 `NOT_FOUND` for an id that no contact of the tenant has."""
    return shown.view(contacts.get(request.tenant, contact_id))
