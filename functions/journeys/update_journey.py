"""Change a journey; its trigger, steps and terms change the draft of the next version."""

from drumbeat.accounts.model import Tenant
from drumbeat.http import Request, http
from drumbeat.journeys import model, planning
from drumbeat.journeys.model import Journey
from drumbeat.journeys.views import JourneyChange, JourneyView, view
from drumbeat.slugs import Slug


@http("PATCH /v1/journeys/{journey_id}", scope="journeys:write", reads=(Tenant, Slug), writes=(Journey,))
def handler(request: Request, journey_id: str, body: JourneyChange) -> JourneyView:
    """404 for an unknown journey; 409 `JOURNEY_STATUS` for an archived one; 422 names every bad step and field. Who is
    inside notices nothing until the draft is published."""
    return view(planning.revise(model.get(request.tenant, journey_id), body, request.now))
