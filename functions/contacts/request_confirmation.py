"""Send somebody who has not confirmed another mail with a link to confirm."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts import consent
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.opt_in import asking, model
from drumbeat.contacts.opt_in.model import CONFIRMATIONS, ConfirmationView
from drumbeat.http import STANDARD, Request, http


@http(
    "POST /v1/contacts/{contact_id}/confirmation",
    scope="contacts:write",
    limit=STANDARD,
    status=202,
    reads=(Tenant,),
    writes=(*consent.WRITES, *asking.WRITES),
    sends=(CONFIRMATIONS,),
)
def handler(request: Request, contact_id: str) -> ConfirmationView:
    """404 `NOT_FOUND`; 409 `ALREADY_CONFIRMED`, `NOTHING_TO_CONFIRM` without a consent that waits,
    `CONFIRMATION_BARRED` for suppressed addresses and after complaints. An address gets at most 3 of these mails in 24
    hours, 5 minutes apart (429 `CONFIRMATION_TOO_SOON` says when again), and 5 in all (409
    `TOO_MANY_CONFIRMATIONS`)."""
    evidence = Evidence(request.actor, request.id)
    return model.view(asking.again(request.tenant, contact_id, request.now, evidence), request.now)
