"""Opens that an app reports itself: `push.opened` among the events of contacts, with the `message_id` of the
notification. They become feedback, as the fetching of a mail's pixel does: counted once however often they come."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from drumbeat import channels, clock, queues
from drumbeat.activity.views import BadEvent, EventResults, OneEvent
from drumbeat.sends.work import FEEDBACK

_MESSAGE = re.compile(r"msg_([0-7][0-9A-HJKMNP-TV-Z]{25})_(\d{1,3})_(\d{1,6})_(\d{1,5})\Z")


def is_open(event: OneEvent) -> bool:
    """Whether the event says that a notification of ours was opened."""
    channel, _, kind = event.name.partition(".")
    named = kind == "opened" and channel in channels.names() and channels.get(channel).notifies
    return named and _MESSAGE.match(str(event.properties.get("message_id"))) is not None


def tell(tenant: str, events: Sequence[OneEvent | BadEvent], results: EventResults, now: datetime) -> None:
    """Put the opens among recorded events on the queue."""
    told = [
        _message(tenant, event, now)
        for event, result in zip(events, results.results, strict=True)
        if isinstance(event, OneEvent) and is_open(event) and result.status != "rejected"
    ]
    if told:
        queues.send(FEEDBACK, tenant, told)


def _message(tenant: str, event: OneEvent, now: datetime) -> dict[str, Any]:
    found = _MESSAGE.match(str(event.properties["message_id"]))
    send, *numbers = found.groups() if found else ()
    shard, chunk, recipient = map(int, numbers)
    at = clock.iso(event.occurred_at or now)
    return {
        "type": "open", "tenant": tenant, "send": f"snd_{send}", "shard": shard, "number": chunk,
        "recipient": recipient, "at": at, "user_agent": "app",
    }  # fmt: skip
