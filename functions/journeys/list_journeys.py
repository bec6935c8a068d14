"""List journeys, newest first."""

from drumbeat import lists
from drumbeat.counts import Count
from drumbeat.fields import Page
from drumbeat.http import Request, http
from drumbeat.journeys import listing
from drumbeat.journeys.model import Journey
from drumbeat.journeys.views import JourneyQuery, JourneyView, view


@http("GET /v1/journeys", scope="journeys:read", reads=(Journey, Count))
def handler(request: Request, query: JourneyQuery) -> Page[JourneyView]:
    """422 for a cursor that is not of this list, or a kind or status that there is not."""
    return lists.shown(listing.page(request.tenant, query), view)
