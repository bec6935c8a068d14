"""Act for those of a journey who are due in a minute: the next steps, and the messages on the way."""

from typing import Any

from drumbeat.contacts.model import Contact
from drumbeat.journeys import advancing, declared, effects
from drumbeat.journeys.model import Journey
from drumbeat.journeys.work import ADVANCE
from drumbeat.segments.model import Member, Segment
from drumbeat.sends.work import GOVERN, ROLL_UP
from drumbeat.slugs import Slug
from drumbeat.task import task


@task(
    ADVANCE,
    reads=(*declared.ENTERS_READS, *declared.LOOKS, *declared.HANDS_OVER_READS, Segment, Slug),
    writes=(*declared.ENTERS, *declared.HANDS_OVER, Journey, Contact, Member),
    sends=(ROLL_UP,),
    publishes=(effects.POINTS,),
    starts=(ADVANCE, GOVERN),
    calls=declared.CALLS,
    memory=512,
    timeout=600,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """It may run twice, at the same time, or die anywhere: each member is moved on by one of the runs."""
    return advancing.advance(state)
