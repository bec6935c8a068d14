"""List what a contact did and what happened to its messages, newest first."""

from drumbeat.activity import timeline
from drumbeat.activity.model import Timeline
from drumbeat.activity.views import TimelineQuery, TimelineView
from drumbeat.contacts import model as contacts
from drumbeat.contacts.model import Contact, ContactExternalId
from drumbeat.fields import Page
from drumbeat.http import Request, http


@http("GET /v1/contacts/{contact_id}/timeline", scope="events:read", reads=(Contact, ContactExternalId, Timeline))
def handler(request: Request, contact_id: str, query: TimelineQuery) -> Page[TimelineView]:
    """The contact by its id or by its `external_id`; 404 for an unknown one. Events are kept for 13 months."""
    contact = contacts.named(request.tenant, contact_id)
    return timeline.page(request.tenant, contact.contact_id, query)
