"""Joining and leaving a segment, as events on the bus: `segment.joined` and `segment.left`.

They cost no write of their own: the row of a member, and that of a spell that is over, go to the bus when they appear
with `bus` = 1 (activity/forwarding.py). A row that is only changed is no event. Those who are found by the first walk
over a new segment did not join it; those whom a later definition brings in or out did. The tenant's `segment_events`
switches both events off.
"""

from collections.abc import Mapping
from typing import Any

from drumbeat import clock, ids
from drumbeat.activity.forwarding import Framer, Inserted
from drumbeat.events import frame


def _joined(record: Inserted) -> tuple[dict[str, Any], str]:
    _, tenant, segment_id, _ = record.pk.split("#")
    at, contact_id = record.new["since"]["S"], record.sk
    data = {"segment_id": segment_id, "contact_id": contact_id, "joined_at": at}
    event_id = ids.derived("evt", tenant, "segment.joined", segment_id, contact_id, at)
    return frame("segment.joined", tenant, clock.parse(at), data, None), event_id


def _left(record: Inserted) -> tuple[dict[str, Any], str]:
    _, tenant, segment_id, _ = record.pk.split("#")
    contact_id, joined = record.sk.split("#")
    at = record.new["left"]["S"]
    data = {"segment_id": segment_id, "contact_id": contact_id, "joined_at": joined, "left_at": at}
    event_id = ids.derived("evt", tenant, "segment.left", segment_id, contact_id, joined)
    return frame("segment.left", tenant, clock.parse(at), data, None), event_id


FRAMERS: Mapping[str, Framer] = {"MEMBER": _joined, "SPELL": _left}
