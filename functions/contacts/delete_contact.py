"""Delete a contact. Its addresses and its external id become free; suppressions and opt-outs stay in force."""

from drumbeat.contacts import changes
from drumbeat.contacts import model as contacts
from drumbeat.contacts.ledger import Evidence
from drumbeat.contacts.suppressions import Suppression
from drumbeat.http import STANDARD, Answer, Request, http


@http(
    "DELETE /v1/contacts/{contact_id}",
    scope="contacts:write",
    limit=STANDARD,
    writes=(*contacts.WRITES, Suppression),
)
def handler(request: Request, contact_id: str) -> Answer:
    """404 `NOT_FOUND` for an id that no contact of the tenant has."""
    changes.delete(request.tenant, contact_id, request.now, Evidence(request.actor, request.id))
    return Answer({"id": contact_id, "deleted": True}, "The contact was deleted.")
