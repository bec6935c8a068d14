"""Count what a contact did, by event name and day."""

from drumbeat.accounts import settings
from drumbeat.accounts.model import Tenant
from drumbeat.activity import timeline
from drumbeat.activity.model import RollUp
from drumbeat.activity.views import ActivityQuery, ActivityView
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact, ContactExternalId
from drumbeat.http import Request, http


@http("GET /v1/contacts/{contact_id}/activity", scope="events:read", reads=(Contact, ContactExternalId, RollUp, Tenant))
def handler(request: Request, contact_id: str, query: ActivityQuery) -> ActivityView:
    """The contact by its id or by its `external_id`; 404 for an unknown one. 422 for a range of days that ends before
    it starts or is longer than 800 days."""
    contact = contacts.named(request.tenant, contact_id)
    zone = settings.of(request.tenant).time_zone
    return timeline.activity(request.tenant, contact.contact_id, query, lambda: timeline.today(request.now, zone))
