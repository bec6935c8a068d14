"""The queue of what happened: events that somebody waits for (drumbeat.activity.interest)."""

from drumbeat.declare import Queue
from drumbeat.fields import Message

HAPPENED = Queue("happened")


class HappenedMessage(Message):
    """This row of a contact's timeline was written."""

    tenant: str
    contact: str
    row: str
