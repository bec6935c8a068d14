"""Take a journey out of the list for good."""

from drumbeat.activity.interest import Interest
from drumbeat.counts import Count
from drumbeat.http import Request, http
from drumbeat.journeys import listing, model
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey
from drumbeat.journeys.views import Ending, JourneyView, view
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE
from drumbeat.slugs import Slug


@http(
    "POST /v1/journeys/{journey_id}/archive",
    scope="journeys:send",
    reads=(Entry,),
    writes=(Journey, Count, Slug, Interest, Wake),
    starts=(ADVANCE,),
)
def handler(request: Request, journey_id: str, body: Ending) -> JourneyView:
    """409 `PEOPLE_INSIDE` while somebody is inside, unless `end` is true: then they leave it. What it did stays to be
    seen; its name is free again."""
    return view(listing.archive(model.get(request.tenant, journey_id), request.now, end=body.end))
