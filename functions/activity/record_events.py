"""Record what contacts did: one event, or up to 500."""

from functools import partial

from drumbeat import ids
from drumbeat.access import Caller
from drumbeat.activity import intake, waiting
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import Event, Order, RollUp, Timeline
from drumbeat.activity.views import EventBatch, EventResults, NewEvents
from drumbeat.contacts import model as contacts
from drumbeat.feedback import reported
from drumbeat.http import EVENTS, Request, http
from drumbeat.sends.work import FEEDBACK


@http(
    "POST /v1/events",
    scope="events:write",
    limit=EVENTS,
    status=202,
    reads=(contacts.ContactAddress, contacts.ContactExternalId, Interest),
    writes=(Timeline, RollUp, Event, Order, *contacts.WRITES, *waiting.WRITES),
    sends=(FEEDBACK, *waiting.SENDS),
    cors=True,
    timeout=29,
)
def handler(request: Request, body: NewEvents) -> EventResults:
    """In a batch, each event is recorded or rejected by itself, and `results` say which. A single event that cannot be
    recorded refuses the request: 404 for an unknown contact, 422 with every bad field named. 403 when `create_contacts`
    is asked for without the scope contacts:write. With a customer system, an event of an unknown `external_id` is
    `waiting` until that customer's profile was read."""
    if body.create_contacts:
        Caller(request.tenant, request.actor, request.credential, request.scopes).require("contacts:write")
    key = request.idempotency_key

    def new_id(position: int) -> str:
        return ids.new("evt") if key is None else ids.derived("evt", request.tenant, request.route, key, str(position))

    events = body.events if isinstance(body, EventBatch) else [body]
    results = intake.record(
        request.tenant, events, now=request.now, new_id=new_id, create_contacts=body.create_contacts,
        apart=reported.is_open, awaited=partial(waiting.keep, request.tenant, request.now, new_id),
    )  # fmt: skip
    reported.tell(request.tenant, events, results, request.now)
    if not isinstance(body, EventBatch):
        intake.refuse(results.results[0])
    return results
