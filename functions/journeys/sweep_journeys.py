"""Find wakes, enrolments and measures that nobody has started, and journeys that let somebody in by the clock."""

from datetime import datetime

from drumbeat.accounts.model import Tenant
from drumbeat.journeys import sweeping
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.measuring import Cell
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE, ENROL, MEASURE
from drumbeat.schedule import schedule
from drumbeat.segments.model import Segment
from drumbeat.sends.environment import Environment


@schedule(
    "rate(1 minute)",
    reads=(Tenant, JourneyVersion, Segment, Environment),
    writes=(Journey, Wake, Enrolment, Cell),
    starts=(ADVANCE, ENROL, MEASURE),
)
def handler(now: datetime) -> dict[str, int]:
    """What it starts may be at work already, which does no harm."""
    return sweeping.sweep(now)
