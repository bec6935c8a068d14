"""Change a contact: fields that are left out stay, null removes, attributes are merged."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts import changes, shown
from drumbeat.contacts import model as contacts
from drumbeat.contacts.views import ContactChange, ContactView
from drumbeat.http import STANDARD, Request, http


@http(
    "PATCH /v1/contacts/{contact_id}",
    scope="contacts:write",
    limit=STANDARD,
    reads=(Tenant,),
    writes=contacts.WRITES,
)
def handler(request: Request, contact_id: str, body: ContactChange) -> ContactView:
    """404 `NOT_FOUND`; 409 `ADDRESS_TAKEN` or `EXTERNAL_ID_TAKEN` when another contact has the new one."""
    return shown.view(changes.change(request.tenant, contact_id, body, request.now))
