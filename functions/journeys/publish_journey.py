"""Put a journey's draft in force as its next version, and let people in."""

from drumbeat.http import Request, http
from drumbeat.journeys import lifecycle, model
from drumbeat.journeys.requested import PUBLISHES, REFERS
from drumbeat.journeys.views import JourneyView, Publication, view


@http("POST /v1/journeys/{journey_id}/publish", scope="journeys:send", reads=REFERS, writes=PUBLISHES, memory=512)
def handler(request: Request, journey_id: str, body: Publication) -> JourneyView:
    """409 `JOURNEY_STATUS` for an archived journey; 422 `JOURNEY_NOT_READY` with every template, segment and journey
    that there is not. A paused journey stays paused. Those inside finish their version, unless they are moved."""
    journey = model.get(request.tenant, journey_id)
    return view(lifecycle.publish(journey, request.actor, request.now, migrate=body.move_those_inside))
