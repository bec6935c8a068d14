"""From the stream to the bus: rows of the outbox, and timeline rows that are marked for it, become EventBridge entries.

At least once: a batch of the stream may come again. A frame's `metadata.event_id` is the same each time, so that a
consumer can drop what it has seen.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drumbeat import aws, ids
from drumbeat.activity.model import Timeline
from drumbeat.events import Outbox, frame
from drumbeat.logs import counted, logger

SOURCE = "drumbeat"
# PutEvents: at most 10 entries and 256 KB a call, counted as source, detail type and detail in UTF-8.
MOST_ENTRIES = 10
MOST_BYTES = 256 * 1024
TRIES = 5
LONGEST_PAUSE = 2.0


class Inserted(Protocol):
    """A record of the stream: the key and the raw new item."""

    @property
    def pk(self) -> str: ...
    @property
    def sk(self) -> str: ...
    @property
    def new(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a call, and the position in the batch of the record that it came from."""

    position: int
    event_type: str
    detail: str

    @property
    def size(self) -> int:
        return len(SOURCE) + len(self.event_type) + len(self.detail.encode())


# Puts entries on the bus and gives the ones that it refused.
Put = Callable[[Sequence[Entry]], Sequence[Entry]]


def forward(records: Sequence[Inserted], put: Put, pause: Callable[[int], None]) -> int | None:
    """Put the records' events on the bus; gives the position of the first that the bus still refuses at the end.

    A record that never could be sent (it cannot be read, or is larger than a call) is logged, counted and passed over:
    it would hold up everything behind it for a day.
    """
    left = [entry for position, record in enumerate(records) if (entry := readable(position, record))]
    for tried in range(TRIES):
        left = [refused for call in calls(left) for refused in put(call)]
        if not left:
            return None
        if tried < TRIES - 1:
            pause(tried)
    return min(entry.position for entry in left)


def readable(position: int, record: Inserted) -> Entry | None:
    """The entry of a record; None, with a line in the log, when there can be none."""
    try:
        event = framed(record)
        entry = Entry(position, event["event_type"], json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        if entry.size <= MOST_BYTES:
            return entry
        problem = f"{entry.size} bytes are more than the bus takes"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
    logger.error("event not forwarded", extra={"pk": record.pk, "sk": record.sk, "problem": problem})
    counted("EventsNotForwarded")
    return None


def framed(record: Inserted) -> dict[str, Any]:
    """The frame of a row, with the event's stable id in its metadata."""
    if record.pk.startswith(f"{Outbox.TYPE}#"):
        event: dict[str, Any] = json.loads(record.new["frame"]["S"])
        event_id = ids.derived("evt", record.pk)
    else:
        row = Timeline.from_raw_data({**record.new, "pk": {"S": record.pk}, "sk": {"S": record.sk}})
        tenant = record.pk.split("#")[1]
        event = frame(str(row.event_type), tenant, row.at, row.data or {}, None)
        event_id = row.event_id
    return {**event, "metadata": {**event["metadata"], "event_id": event_id}}


def calls(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, cut into what a call may hold."""
    call: list[Entry] = []
    size = 0
    for entry in entries:
        if call and (len(call) == MOST_ENTRIES or size + entry.size > MOST_BYTES):
            yield call
            call, size = [], 0
        call.append(entry)
        size += entry.size
    if call:
        yield call


def put_events(entries: Sequence[Entry]) -> list[Entry]:
    """One PutEvents call. When the call itself fails, all of its entries count as refused: they may come twice."""
    from botocore.exceptions import BotoCoreError, ClientError

    bus = os.environ["BUS"]
    body = [
        {"EventBusName": bus, "Source": SOURCE, "DetailType": entry.event_type, "Detail": entry.detail}
        for entry in entries
    ]
    try:
        answer: Mapping[str, Any] = aws.client("events").put_events(Entries=body)
    except (BotoCoreError, ClientError):
        logger.exception("the bus did not answer")
        return list(entries)
    results = answer["Entries"]
    return [entry for entry, result in zip(entries, results, strict=True) if result.get("ErrorCode")]


def wait(tried: int) -> None:
    """Full jitter before the next try."""
    time.sleep(random.uniform(0, min(LONGEST_PAUSE, 0.1 * 2**tried)))
