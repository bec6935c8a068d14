"""Unsubscribe an e-mail address: its consent is revoked at once. An address that no contact has is suppressed."""

from drumbeat.contacts import consent, unsubscribes
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.model import ContactAddress
from drumbeat.contacts.unsubscribes import NewUnsubscribe, UnsubscribeView
from drumbeat.http import STANDARD, Request, http


@http(
    "POST /v1/unsubscribes",
    scope="contacts:write",
    limit=STANDARD,
    status=201,
    reads=(ContactAddress,),
    writes=consent.WRITES,
)
def handler(request: Request, body: NewUnsubscribe) -> UnsubscribeView:
    """422 `VALIDATION_ERROR` for what is no e-mail address. Asking twice gives the opt-out on record."""
    cause = request.new_id("req")
    row = consent.revoke(
        request.tenant, body.email, "email", reason=body.reason, method="api", source=request.actor,
        at=request.now, cause=cause, evidence=Evidence(request.actor, cause),
    )  # fmt: skip
    return unsubscribes.view(row)
