"""List contacts, or look one up by its e-mail address, telephone number or external id."""

from drumbeat.contacts import shown
from drumbeat.contacts.views import ContactQuery, ContactView
from drumbeat.fields import Page
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/contacts", scope="contacts:read", limit=STANDARD, reads=shown.READS)
def handler(request: Request, query: ContactQuery) -> Page[ContactView]:
    """422 `VALIDATION_ERROR` for a cursor that is not of this list."""
    return shown.page(request.tenant, query)
