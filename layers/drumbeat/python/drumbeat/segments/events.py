"""Joining and leaving a segment, as events: `segment.joined` and `segment.left`.

They cost no write of their own: the row of a member, and that of a spell that is over, go to the bus when they appear
with `bus` = 1, and to those who wait for them with `waited` = 1 (activity/forwarding.py). A row that is only changed is
no event. Those who are found by the first walk over a new segment did not join it; those whom a later definition brings
in or out did. The tenant's `segment_events` switches both events off on the bus.
"""

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

from drumbeat import clock, ids
from drumbeat.activity import interest
from drumbeat.activity.forwarding import Framer, Inserted, Teller
from drumbeat.activity.interest import JOINED, LEFT, Interest
from drumbeat.activity.work import HappenedMessage, StayMessage
from drumbeat.events import frame


class Telling:
    """To whom it is told that contacts join and leave segments: to the `bus`, and to those who wait. Who that is, is
    read when it is first asked for, in one request. Reads Interest."""

    def __init__(self, tenant: str, *, bus: bool) -> None:
        self._tenant, self._bus = tenant, bus

    @cached_property
    def _waited(self) -> Interest | None:
        return Interest.fetch(*Interest.key(self._tenant))

    def joined(self, segment_id: str) -> dict[str, Any]:
        """The marks of a new member's row."""
        return self._marks(JOINED, segment_id)

    def left(self, segment_id: str) -> dict[str, Any]:
        """The marks of a spell's row."""
        return self._marks(LEFT, segment_id)

    def _marks(self, topic: str, segment_id: str) -> dict[str, Any]:
        waited = segment_id in interest.names(self._waited, topic)
        return {"bus": 1 if self._bus else None, "waited": 1 if waited else None}


def _joined(record: Inserted) -> StayMessage:
    _, tenant, segment_id, _ = record.pk.split("#")
    at = record.new["since"]["S"]
    event_id = ids.derived("evt", tenant, JOINED, segment_id, record.sk, at)
    return StayMessage(segment=segment_id, joined_at=clock.parse(at), event_id=event_id)


def _left(record: Inserted) -> StayMessage:
    _, tenant, segment_id, _ = record.pk.split("#")
    contact_id, joined = record.sk.split("#")
    event_id = ids.derived("evt", tenant, LEFT, segment_id, contact_id, joined)
    left = clock.parse(record.new["left"]["S"])
    return StayMessage(segment=segment_id, joined_at=clock.parse(joined), left_at=left, event_id=event_id)


_STAYS: Mapping[str, Callable[[Inserted], StayMessage]] = {"MEMBER": _joined, "SPELL": _left}


def _whose(record: Inserted) -> tuple[str, str, StayMessage]:
    kind, tenant, *_ = record.pk.split("#")
    return tenant, record.sk.split("#")[0], _STAYS[kind](record)


def _told(record: Inserted) -> HappenedMessage:
    tenant, contact_id, stay = _whose(record)
    return HappenedMessage(tenant=tenant, contact=contact_id, stay=stay)


def _framed(record: Inserted) -> tuple[dict[str, Any], str]:
    tenant, contact_id, stay = _whose(record)
    data = {"segment_id": stay.segment, "contact_id": contact_id, "joined_at": clock.iso(stay.joined_at)}
    if stay.left_at is None:
        return frame(JOINED, tenant, stay.joined_at, data, None), stay.event_id
    return frame(LEFT, tenant, stay.left_at, {**data, "left_at": clock.iso(stay.left_at)}, None), stay.event_id


FRAMERS: Mapping[str, Framer] = dict.fromkeys(_STAYS, _framed)
TELLERS: Mapping[str, Teller] = dict.fromkeys(_STAYS, _told)
