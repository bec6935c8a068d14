"""Suppress an address: nothing of the scope is sent to it any more, whoever has it."""

from drumbeat.contacts import suppressions
from drumbeat.contacts.suppressions import NewSuppression, Suppression, SuppressionView
from drumbeat.http import STANDARD, Request, http


@http("POST /v1/suppressions", scope="contacts:write", limit=STANDARD, status=201, writes=(Suppression,))
def handler(request: Request, body: NewSuppression) -> SuppressionView:
    """422 `VALIDATION_ERROR` for what is no address. An address that is suppressed already stays as it is, unless the
    new scope is wider."""
    source = body.source or request.actor
    row = suppressions.suppress(request.tenant, body.address, body.scope, body.reason, source, request.now)
    return suppressions.view(row)
