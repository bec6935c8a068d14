"""Switch a journey on or off: active publishes a draft or resumes, paused pauses."""

from drumbeat.http import Request, http
from drumbeat.journeys import model, switching
from drumbeat.journeys.requested import PUBLISHES, REFERS, STOPS
from drumbeat.journeys.views import JourneyView, StatusChange, view
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN


@http(
    "PUT /v1/journeys/{journey_id}/status",
    scope="journeys:send",
    reads=(*REFERS, *STOPS, Environment),
    writes=(*PUBLISHES, Wake, Send, Sender),
    starts=(ADVANCE, GOVERN),
    memory=512,
)
def handler(request: Request, journey_id: str, body: StatusChange) -> JourneyView:
    """409 `JOURNEY_STATUS` for an archived journey, and for a draft that is to be paused; 422 `JOURNEY_NOT_READY` for a
    draft that cannot run. What it already is, it stays."""
    journey = model.get(request.tenant, journey_id)
    return view(switching.switch(journey, body, request.actor, request.now))
