"""Show a journey."""

from drumbeat.http import Request, http
from drumbeat.journeys import model
from drumbeat.journeys.model import Journey
from drumbeat.journeys.views import JourneyView, view
from drumbeat.slugs import Slug


@http("GET /v1/journeys/{journey_id}", scope="journeys:read", reads=(Journey, Slug))
def handler(request: Request, journey_id: str) -> JourneyView:
    """404 for an unknown journey."""
    return view(model.get(request.tenant, journey_id))
