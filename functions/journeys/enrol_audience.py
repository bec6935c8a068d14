"""Let the next thousand of an audience into a journey."""

from typing import Any

from drumbeat.contacts.model import Contact
from drumbeat.journeys import declared, enrolments
from drumbeat.journeys.work import ADVANCE, ENROL
from drumbeat.segments.model import Member
from drumbeat.sends.environment import Environment
from drumbeat.task import task


@task(
    ENROL,
    reads=(*declared.ENTERS_READS, Contact, Member, Environment),
    writes=declared.ENROLS,
    starts=(ADVANCE,),
    memory=512,
    timeout=300,
)
def handler(state: dict[str, Any]) -> dict[str, Any]:
    """Goes on behind its stored cursor, so a round may be repeated."""
    return enrolments.enrol(state)
