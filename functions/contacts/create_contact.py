"""Add a contact."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts import shown
from drumbeat.contacts.views import ContactView, NewContact
from drumbeat.http import STANDARD, Request, http


@http("POST /v1/contacts", scope="contacts:write", limit=STANDARD, status=201, reads=(Tenant,), writes=contacts.WRITES)
def handler(request: Request, body: NewContact) -> ContactView:
    """409 `ADDRESS_TAKEN` when another contact of the tenant has the e-mail address or the telephone number,
    409 `EXTERNAL_ID_TAKEN` when another one has the external id."""
    contact = contacts.add(request.tenant, body, contact_id=request.new_id("con"), now=request.now)
    return shown.view(contact)
