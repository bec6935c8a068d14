"""Let contacts enter a journey, whatever its trigger is."""

from drumbeat.accounts.model import Tenant
from drumbeat.contacts.customers import wanting
from drumbeat.contacts.model import Contact, ContactAddress, ContactExternalId
from drumbeat.http import Request, http
from drumbeat.journeys import model, showing
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.views import Enrolled
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE
from drumbeat.segments.views import MembersNamed
from drumbeat.slugs import Slug


@http(
    "POST /v1/journeys/{journey_id}/enrol",
    scope="journeys:send",
    reads=(Tenant, Journey, JourneyVersion, Slug, Contact, ContactAddress, ContactExternalId),
    writes=(Entry, Wake, Enrolment, *wanting.WRITES),
    sends=wanting.SENDS,
    starts=(ADVANCE,),
    memory=512,
    timeout=29,
)
def handler(request: Request, journey_id: str, body: MembersNamed) -> Enrolled:
    """404 for an unknown journey; 409 `JOURNEY_STATUS` for one that was never published or is archived. With an
    Idempotency-Key the same request lets nobody in twice. With a customer system, unknown `external_ids` are `awaited`:
    they enter once their profiles have been read."""
    journey = model.get(request.tenant, journey_id)
    return showing.enrolled(journey, body, request.new_id("enr"), request.now)
