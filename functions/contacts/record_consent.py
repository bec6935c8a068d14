"""Record what a contact said about messages of a channel, with when, where and how."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts import consent, shown
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.opt_in import asking
from drumbeat.contacts.opt_in.model import CONFIRMATIONS
from drumbeat.contacts.views import ConsentStatement, ContactView
from drumbeat.http import STANDARD, Request, http


@http(
    "PUT /v1/contacts/{contact_id}/consent",
    scope="contacts:write",
    limit=STANDARD,
    reads=(Tenant,),
    writes=(*consent.WRITES, *asking.WRITES),
    sends=(CONFIRMATIONS,),
)
def handler(request: Request, contact_id: str, body: ConsentStatement) -> ContactView:
    """404 `NOT_FOUND`; 409 `CONSENT_IS_NEWER` when a later statement for the channel is on record. A statement without
    `at` that says what is on record already is not recorded again. Where the settings ask for double opt-in, a consent
    to e-mail becomes `pending`, and the address gets a mail with a link to confirm it; who has agreed before gets
    none."""
    evidence = Evidence(request.actor, request.id, body.ip, body.user_agent)
    return shown.view(asking.record(request.tenant, contact_id, body, request.now, evidence))
