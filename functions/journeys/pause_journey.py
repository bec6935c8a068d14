"""Pause a journey: nobody inside goes on, and nobody is lost."""

from drumbeat.http import Request, http
from drumbeat.journeys import lifecycle, model
from drumbeat.journeys.model import Journey
from drumbeat.journeys.requested import STOPS
from drumbeat.journeys.views import JourneyView, Pause, view
from drumbeat.sends.model import Send


@http("POST /v1/journeys/{journey_id}/pause", scope="journeys:send", reads=STOPS, writes=(Journey, Send))
def handler(request: Request, journey_id: str, body: Pause) -> JourneyView:
    """409 `JOURNEY_STATUS` unless it is active. Whoever is due meanwhile goes on when it is resumed."""
    journey = model.get(request.tenant, journey_id)
    return view(lifecycle.pause(journey, request.now, reason=body.reason))
