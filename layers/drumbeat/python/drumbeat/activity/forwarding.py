"""From the stream to the bus: rows of the outbox, and other rows that are marked for it, become EventBridge entries.

At least once: a batch of the stream may come again. A frame's `metadata.event_id` is the same each time, so that a
consumer can drop what it has seen.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from drumbeat import aws, ids, queues
from drumbeat.activity.model import Timeline
from drumbeat.activity.work import HAPPENED, HappenedMessage
from drumbeat.contacts.unsubscribes import Unsubscribe
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
# The frame of a record's event, and the id that is the same each time.
Framer = Callable[[Inserted], tuple[dict[str, Any], str]]
# What those hear who wait for a record.
Teller = Callable[[Inserted], HappenedMessage]


def forward(
    records: Sequence[Inserted], put: Put, pause: Callable[[int], None], others: Mapping[str, Framer] | None = None
) -> int | None:
    """Put the records' events on the bus; gives the position of the first that the bus still refuses at the end.

    `others` frame the rows of contexts above, by the type in their keys. A record that never could be sent (it cannot
    be read, or is larger than a call) is logged, counted and passed over: it would hold up everything behind it for a
    day.
    """
    framers = {**FRAMERS, **(others or {})}
    published = ((position, record) for position, record in enumerate(records) if not _only_waited(record))
    left = [entry for position, record in published if (entry := readable(position, record, framers))]
    for tried in range(TRIES):
        left = [refused for call in calls(left) for refused in put(call)]
        if not left:
            return None
        if tried < TRIES - 1:
            pause(tried)
    return min(entry.position for entry in left)


def _only_waited(record: Inserted) -> bool:
    return "waited" in record.new and "bus" not in record.new


def pass_on(records: Iterable[Inserted], others: Mapping[str, Teller] | None = None) -> None:
    """Put the rows that somebody waits for on the queue `happened`; a batch that comes again puts them there again.
    `others` tell of the rows of contexts above, by the type in their keys."""
    tellers = {Timeline.TYPE: _told, **(others or {})}
    told: dict[str, list[dict[str, Any]]] = {}
    for record in records:
        if "waited" in record.new:
            kind, tenant, *_ = record.pk.split("#")
            told.setdefault(tenant, []).append(tellers[kind](record).model_dump(mode="json", exclude_none=True))
    for tenant, messages in told.items():
        queues.send(HAPPENED, tenant, messages)


def _told(record: Inserted) -> HappenedMessage:
    _, tenant, contact_id = record.pk.split("#")
    return HappenedMessage(tenant=tenant, contact=contact_id, row=record.sk)


def readable(position: int, record: Inserted, framers: Mapping[str, Framer]) -> Entry | None:
    """The entry of a record; None, with a line in the log, when there can be none."""
    try:
        event, event_id = framers[record.pk.split("#")[0]](record)
        event = {**event, "metadata": {**event["metadata"], "event_id": event_id}}
        entry = Entry(position, event["event_type"], json.dumps(event, ensure_ascii=False, separators=(",", ":")))
        if entry.size <= MOST_BYTES:
            return entry
        problem = f"{entry.size} bytes are more than the bus takes"
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"{type(error).__name__}: {error}"
    logger.error("event not forwarded", extra={"pk": record.pk, "sk": record.sk, "problem": problem})
    counted("EventsNotForwarded")
    return None


def _of_outbox(record: Inserted) -> tuple[dict[str, Any], str]:
    event: dict[str, Any] = json.loads(record.new["frame"]["S"])
    return event, ids.derived("evt", record.pk)


def _of_timeline(record: Inserted) -> tuple[dict[str, Any], str]:
    row = Timeline.from_raw_data({**record.new, "pk": {"S": record.pk}, "sk": {"S": record.sk}})
    return frame(str(row.event_type), record.pk.split("#")[1], row.at, row.data or {}, None), row.event_id


def _of_unsubscribe(record: Inserted) -> tuple[dict[str, Any], str]:
    row = Unsubscribe.from_raw_data({**record.new, "pk": {"S": record.pk}, "sk": {"S": record.sk}})
    customer = row.customer or row.contact
    data = {"campaign_id": row.campaign, "customer_id": customer, "email": row.address, "message_id": None}
    event = frame("marketing.email.unsubscribed", record.pk.split("#")[1], row.at, data, None)
    return event, ids.derived("evt", record.pk, record.sk)


FRAMERS: Mapping[str, Framer] = {
    Outbox.TYPE: _of_outbox,
    Timeline.TYPE: _of_timeline,
    Unsubscribe.TYPE: _of_unsubscribe,
}


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
