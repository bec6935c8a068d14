"""What people text back: on their timelines, counted for the message that they got last, and on the bus.

Applying a reply again changes nothing: its row has a key that follows from it, and what it counts for is a set.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from drumbeat import channels, clock, table
from drumbeat.activity import frames, interest
from drumbeat.activity.model import MessageKind, Timeline, message_row
from drumbeat.contacts import model as contacts
from drumbeat.feedback import known
from drumbeat.logs import counted
from drumbeat.sends import marks, rollups, stats
from drumbeat.sends.model import Place

KIND = "sms_reply"
CHANNEL = "sms"
# A reply is to the last message of so many days (business time), which is among so many rows of the timeline.
TO_THE_LAST, MOST_ROWS = timedelta(days=30), 500


def answered_to(tenant: str, contact_id: str, at: datetime) -> Timeline | None:
    """The last text message that a contact had been sent by then. Reads Timeline."""
    partition = Timeline.partition(tenant, contact_id)
    since, until = clock.iso(at - TO_THE_LAST), f"{clock.iso(at)}#\U0010ffff"
    rows = table.rows(Timeline, partition, start=since, end=until, newest_first=True)
    return next((row for row in islice(rows, MOST_ROWS) if row.name == f"{CHANNEL}.sent"), None)


def apply(reply: Mapping[str, Any]) -> None:
    """Tell of a reply, or of an opt-out (`word` is stop). Nobody is told of one whose contact is gone."""
    tenant, contact_id = str(reply["tenant"]), str(reply["contact"])
    contact = contacts.find(tenant, contact_id)
    if contact is None:
        counted("RepliesOfNobody")
        return
    at = clock.parse(reply["at"])
    last = answered_to(tenant, contact_id, at)
    if reply.get("word") == "stop" and last is None:
        return
    kind: MessageKind = "unsubscribed" if reply.get("word") == "stop" else "replied"
    channel, message = channels.get(CHANNEL), last.message if last else f"reply_{reply['sid']}"
    data = frames.message(
        channel, last.campaign if last else None, contact.external_id or contact_id, str(reply["from"]), message
    )
    if kind == "replied":
        data = frames.replied(data, str(reply["sid"]), str(reply["text"]), int(reply["media"]))
    row = message_row(
        tenant, contact_id, kind, at, last.send if last else None, last.campaign if last else None, message, data,
        True, channel=CHANNEL, waited=interest.waited(tenant),
    )  # fmt: skip
    table.put_many([row])
    if last is not None:
        _count(tenant, last, kind, at)
    counted("Replies" if kind == "replied" else "TextOptOuts")


def _count(tenant: str, last: Timeline, kind: MessageKind, at: datetime) -> None:
    found = Place.of_message(tenant, last.message or "")
    if found is None:
        return
    place, number = found
    sets: dict[str, set[int]] = {kind: {number}}
    if marks.timed(kind):
        name, mark = marks.brief(kind, number, at)
        sets[name] = {mark}
    stats.unite(place, sets)
    sent = known.send(last.send or "")
    rollups.request(tenant, last.send or "", sent.launched_at if sent else None)
