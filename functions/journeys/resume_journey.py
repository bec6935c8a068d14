"""Resume a paused journey."""

from drumbeat.http import Request, http
from drumbeat.journeys import lifecycle, model
from drumbeat.journeys.model import Journey
from drumbeat.journeys.requested import STOPS
from drumbeat.journeys.views import JourneyView, view
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE
from drumbeat.sends.environment import Environment
from drumbeat.sends.model import Send
from drumbeat.sends.senders import Sender
from drumbeat.sends.work import GOVERN


@http(
    "POST /v1/journeys/{journey_id}/resume",
    scope="journeys:send",
    reads=(*STOPS, Environment),
    writes=(Journey, Wake, Send, Sender),
    starts=(ADVANCE, GOVERN),
)
def handler(request: Request, journey_id: str) -> JourneyView:
    """409 `JOURNEY_STATUS` unless it is paused, `RESTORED_COPY` when the data was restored and is not adopted. Who was
    due meanwhile goes on one after the other, and each wait after that counts from then."""
    return view(lifecycle.resume(model.get(request.tenant, journey_id), request.now))
