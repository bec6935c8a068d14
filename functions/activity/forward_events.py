"""Put published events on the bus (rows of the outbox, and marked rows of others), and waited events on a queue."""

from drumbeat.activity import forwarding
from drumbeat.activity.work import HAPPENED
from drumbeat.segments import events
from drumbeat.stream import Record, stream

MARKED = ["bus", "N", "1"], ["waited", "N", "1"]


@stream(
    "OUTBOX",
    "TIMELINE",
    "MEMBER",
    "SPELL",
    "UNSUBSCRIBE",
    names=("INSERT",),
    where={"TIMELINE": list(MARKED), "MEMBER": list(MARKED), "SPELL": list(MARKED), "UNSUBSCRIBE": MARKED[0]},
    sends=(HAPPENED,),
    calls=("events:PutEvents",),
)
def handler(records: list[Record]) -> int | None:
    """What the bus refuses is tried again within the call, then from its position on by the stream."""
    forwarding.pass_on(records, events.TELLERS)
    return forwarding.forward(records, forwarding.put_events, forwarding.wait, events.FRAMERS)
