"""Lists of journeys by kind, and what is in them no more."""

from datetime import datetime

from drumbeat import counts, lists, slugs
from drumbeat.errors import Conflict
from drumbeat.fields import Page
from drumbeat.journeys import lifecycle, model, wakes
from drumbeat.journeys.entries import Entry, State
from drumbeat.journeys.model import ARCHIVED, Face, Journey, Status
from drumbeat.journeys.views import JourneyQuery
from drumbeat.table import MOST_IN_BATCH_GET

FACES = tuple(face.value for face in Face)


class PeopleInside(Conflict):
    """Somebody is in the journey."""

    code = "PEOPLE_INSIDE"


def page(tenant: str, query: JourneyQuery) -> Page[Journey]:
    """A page of the list. Archived journeys of a kind are found by reading the archived ones."""
    chosen = [query.kind] if query.kind else list(FACES)
    archived = query.archived or query.status == Status.ARCHIVED
    listed = [ARCHIVED] if archived else chosen
    filtered = query.status is not None or (archived and query.kind is not None)

    def keep(journey: Journey) -> bool:
        return query.status in (None, journey.status) and journey.face in chosen

    return lists.page(
        Journey, [model.Journey.partition(tenant, one) for one in listed], query,
        total=lambda: sum(counts.total(tenant, model.counted(one)) for one in listed),
        keep=keep if filtered else None,
    )  # fmt: skip


def archive(journey: Journey, now: datetime, *, end: bool) -> Journey:
    """Take it out of the list, for good; twice is once. Raises PeopleInside unless nobody is inside, or they are to
    leave."""
    if journey.status != Status.ARCHIVED:
        if not end and _somebody_inside(journey):
            raise PeopleInside(
                "Somebody is in the journey. Pause it and wait until all are through, or send `end: true`: they leave."
            )
        lifecycle.archive(journey, now)
    if journey.slug:  # also for one who died before this
        slugs.release(journey.tenant, model.KIND, journey.slug, journey.journey_id)
    return journey


def _somebody_inside(journey: Journey) -> bool:
    """Whoever is inside waits in a wake that is not done."""
    for wake in wakes.of_journey(journey.tenant, journey.journey_id):
        keys = [row.entry_key for row in wakes.members(wake)]
        for place in range(0, len(keys), MOST_IN_BATCH_GET):
            found = Entry.many(keys[place : place + MOST_IN_BATCH_GET])
            if any(entry.state == State.WAITING for entry in found):
                return True
    return False
