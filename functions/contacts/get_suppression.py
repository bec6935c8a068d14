"""Tell whether an address is suppressed, and why."""

from drumbeat.contacts import suppressions
from drumbeat.contacts.suppressions import Suppression, SuppressionView
from drumbeat.http import STANDARD, Request, http


@http("GET /v1/suppressions/{address}", scope="contacts:read", limit=STANDARD, reads=(Suppression,))
def handler(request: Request, address: str) -> SuppressionView:
    """404 `NOT_FOUND` when the address is not suppressed; 422 `VALIDATION_ERROR` for what is no address."""
    return suppressions.view(suppressions.get(request.tenant, address))
