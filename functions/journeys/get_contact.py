"""Show where a contact is in a journey: what happened at each step and why, and when the next step comes."""

from drumbeat.contacts.model import Contact
from drumbeat.http import Request, http
from drumbeat.journeys import model, showing
from drumbeat.journeys.requested import SHOWS
from drumbeat.journeys.views import ContactInJourney


@http("GET /v1/journeys/{journey_id}/contacts/{contact_id}", scope="journeys:read", reads=(*SHOWS, Contact))
def handler(request: Request, journey_id: str, contact_id: str) -> ContactInJourney:
    """404 for an unknown journey or contact. Who never entered has no entries."""
    return showing.of_contact(model.get(request.tenant, journey_id), contact_id)
