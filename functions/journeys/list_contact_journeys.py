"""List the journeys that a contact is in or was in, entry by entry, the latest first."""

from drumbeat.contacts.model import Contact
from drumbeat.fields import Listing, Page
from drumbeat.http import Request, http
from drumbeat.journeys import showing
from drumbeat.journeys.requested import SHOWS
from drumbeat.journeys.views import ContactInJourney


@http("GET /v1/contacts/{contact_id}/journeys", scope="journeys:read", reads=(*SHOWS, Contact))
def handler(request: Request, contact_id: str, query: Listing) -> Page[ContactInJourney]:
    """404 for an unknown contact."""
    return showing.journeys_of(request.tenant, contact_id, query)
