"""List who is in a journey, or was: the latest first, by state, step or contact."""

from drumbeat.fields import Page
from drumbeat.http import ANALYTICS, Request, http
from drumbeat.journeys import model, showing
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey
from drumbeat.journeys.views import EntryQuery, EntryView
from drumbeat.slugs import Slug


@http("GET /v1/journeys/{journey_id}/entries", scope="journeys:read", limit=ANALYTICS, reads=(Journey, Entry, Slug))
def handler(request: Request, journey_id: str, query: EntryQuery) -> Page[EntryView]:
    """404 for an unknown journey."""
    return showing.page(model.get(request.tenant, journey_id), query)
