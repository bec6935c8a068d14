"""A journey's switch: on and off, whatever that takes."""

from datetime import datetime

from drumbeat.journeys import lifecycle, planning
from drumbeat.journeys.model import Journey, Status
from drumbeat.journeys.views import StatusChange


def switch(journey: Journey, wanted: StatusChange, actor: str | None, now: datetime) -> Journey:
    """Publish a draft, resume, or pause; what it already is, it stays. Raises WrongStatus, NotReady, RestoredCopy,
    Conflict."""
    if journey.status == wanted.status:
        return journey
    if wanted.status == Status.PAUSED.value:
        return lifecycle.pause(journey, now, reason=wanted.reason)
    if journey.status == Status.DRAFT:
        planning.require_ready(journey)
        return lifecycle.publish(journey, actor, now)
    return lifecycle.resume(journey, now)
