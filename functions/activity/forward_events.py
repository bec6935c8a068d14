"""Put published events on the bus: rows of the outbox, and timeline rows that are marked for it."""

from drumbeat.activity import forwarding
from drumbeat.stream import Record, stream


@stream(
    "OUTBOX",
    "TIMELINE",
    names=("INSERT",),
    where={"TIMELINE": ["bus", "N", "1"]},
    calls=("events:PutEvents",),
)
def handler(records: list[Record]) -> int | None:
    """What the bus refuses is tried again within the call, then from its position on by the stream."""
    return forwarding.forward(records, forwarding.put_events, forwarding.wait)
