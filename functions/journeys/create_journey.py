"""Create a journey: from a trigger, steps and terms, or as a workflow, an automation rule or an e-mail sequence."""

from drumbeat.http import Request, http
from drumbeat.journeys import lifecycle, planning
from drumbeat.journeys.model import Status
from drumbeat.journeys.requested import DRAFTS, PUBLISHES, REFERS
from drumbeat.journeys.views import JourneyView, NewJourney, view


@http(
    "POST /v1/journeys",
    scope="journeys:write",
    status=201,
    reads=REFERS,
    writes=(*DRAFTS, *PUBLISHES),
    memory=512,
)
def handler(request: Request, body: NewJourney) -> JourneyView:
    """422 names every bad step and field (`steps[3].if_true`); with `activate` also `JOURNEY_NOT_READY` with templates
    and segments that there are not. 409 `AUTOMATION_LIMIT` for one rule or sequence too many,
    `AUTOMATION_SWITCHED_OFF`; 422 `TOO_MANY_EMAILS`."""
    if body.activate:
        request.require("journeys:send")
    journey = planning.make(
        request.tenant, request.new_id("jrn"), body, request.actor, request.now, ready=body.activate
    )
    if body.activate and journey.status == Status.DRAFT:
        journey = lifecycle.publish(journey, request.actor, request.now)
    return view(journey)
