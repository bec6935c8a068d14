"""Read profiles from the customer system, and apply what it said of customers."""

from drumbeat.activity import waiting
from drumbeat.activity.interest import Interest
from drumbeat.activity.model import Event, Order, RollUp, Timeline
from drumbeat.contacts.customers import fetching
from drumbeat.contacts.customers.model import CUSTOMERS, CustomersMessage
from drumbeat.journeys import awaiting
from drumbeat.journeys.enrolments import Enrolment
from drumbeat.journeys.entries import Entry
from drumbeat.journeys.model import Journey, JourneyVersion
from drumbeat.journeys.wakes import Wake
from drumbeat.journeys.work import ADVANCE
from drumbeat.providers import CALLS
from drumbeat.queue import queue
from drumbeat.segments import static_lists
from drumbeat.segments.model import Member

GRANTERS = {
    waiting.KIND: waiting.record, static_lists.KIND: static_lists.join, awaiting.KIND: awaiting.enter
}  # fmt: skip


@queue(
    CUSTOMERS,
    batch=10,
    concurrency=5,
    reads=(*fetching.READS, *static_lists.FINDS, Interest, Journey, JourneyVersion),
    writes=(*fetching.WRITES, Timeline, RollUp, Event, Order, Member, Enrolment, Entry, Wake),
    starts=(ADVANCE,),
    calls=CALLS,
    memory=512,
    timeout=120,
)
def handler(messages: list[CustomersMessage]) -> None:
    """The customers of all messages are read together, up to a hundred in a request. What the other system does not
    answer is asked again by the sweep, later each time. What waited for a contact is done when the contact is there."""
    fetching.work_off(messages, GRANTERS)
