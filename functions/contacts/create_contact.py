"""Add a contact."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts import model as contacts
from drumbeat.contacts import shown
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.opt_in import asking
from drumbeat.contacts.opt_in.model import CONFIRMATIONS
from drumbeat.contacts.suppressions import Suppression
from drumbeat.contacts.views import ContactView, NewContact
from drumbeat.http import STANDARD, Request, http


@http(
    "POST /v1/contacts",
    scope="contacts:write",
    limit=STANDARD,
    status=201,
    reads=(Tenant, Suppression),
    writes=(*contacts.WRITES, *asking.WRITES),
    sends=(CONFIRMATIONS,),
)
def handler(request: Request, body: NewContact) -> ContactView:
    """409 `ADDRESS_TAKEN` when another contact of the tenant has the e-mail address or the telephone number,
    409 `EXTERNAL_ID_TAKEN` when another one has the external id. Where the settings ask for double opt-in, a consent to
    e-mail is `pending`, and the address gets a mail with a link to confirm it."""
    evidence = Evidence(request.actor, request.id)
    contact = asking.add(
        request.tenant, body, contact_id=request.new_id("con"), now=request.now, evidence=evidence
    )  # fmt: skip
    return shown.view(contact)
