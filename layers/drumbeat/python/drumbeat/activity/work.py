"""The queue of what happened: events and stays in segments that somebody waits for (drumbeat.activity.interest)."""

from datetime import datetime

from drumbeat.declare import Queue
from drumbeat.fields import Message

HAPPENED = Queue("happened")


class StayMessage(Message):
    """A contact has joined a segment, or left it; the event's id is that of the bus."""

    segment: str
    joined_at: datetime
    left_at: datetime | None = None
    event_id: str


class HappenedMessage(Message):
    """A `row` of a contact's timeline was written, or a `stay` in a segment began or ended."""

    tenant: str
    contact: str
    row: str | None = None
    stay: StayMessage | None = None
