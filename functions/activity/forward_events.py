"""Put published events on the bus: rows of the outbox, and rows of timelines, segments and opt-outs that are marked."""

from drumbeat.activity import forwarding
from drumbeat.segments import events
from drumbeat.stream import Record, stream

MARKED = ["bus", "N", "1"]


@stream(
    "OUTBOX",
    "TIMELINE",
    "MEMBER",
    "SPELL",
    "UNSUBSCRIBE",
    names=("INSERT",),
    where={"TIMELINE": MARKED, "MEMBER": MARKED, "SPELL": MARKED, "UNSUBSCRIBE": MARKED},
    calls=("events:PutEvents",),
)
def handler(records: list[Record]) -> int | None:
    """What the bus refuses is tried again within the call, then from its position on by the stream."""
    return forwarding.forward(records, forwarding.put_events, forwarding.wait, events.FRAMERS)
