"""Meet an event, or a stay in a segment, that journeys wait for: contacts enter, go on, leave, or reach a goal."""

from drumbeat.activity.interest import Interest
from drumbeat.activity.model import Timeline
from drumbeat.activity.work import HAPPENED, HappenedMessage
from drumbeat.journeys import declared, meeting
from drumbeat.journeys.work import ADVANCE
from drumbeat.queue import queue


@queue(
    HAPPENED,
    batch=10,
    reads=(*declared.ENTERS_READS, Interest, Timeline),
    writes=declared.ENTERS,
    starts=(ADVANCE,),
    timeout=60,
)
def handler(message: HappenedMessage) -> None:
    """A message may come twice: an entry has one cause, and a wait ends once."""
    meeting.meet(message)
