"""Events that we publish: their frame (integration-guide.md, Event Schemas) and the outbox that they leave by.

pk                            sk
OUTBOX#<tenant>#<event id>    OUTBOX    written with the change; the stream's forwarder puts it on the bus
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from drumbeat import clock
from drumbeat.table import Entity, NumberAttribute, UnicodeAttribute

VERSION = "1.0"
# The stream holds a record for a day; the row itself is of no use once it was forwarded.
KEPT = timedelta(days=2)


class Outbox(Entity):
    """An event waiting for the forwarder. The key is the event's id, so that one cause is one event."""

    TYPE = "OUTBOX"

    event_type = UnicodeAttribute()
    frame = UnicodeAttribute()
    ttl = NumberAttribute()


def frame(
    event_type: str, tenant: str, at: datetime, data: Mapping[str, Any], created_by: str | None
) -> dict[str, Any]:
    """The documented frame; `metadata` names the tenant and, where a person caused it, who."""
    metadata = {"tenant_id": tenant} if created_by is None else {"created_by": created_by, "tenant_id": tenant}
    return {
        "event_type": event_type,
        "version": VERSION,
        "timestamp": clock.iso(at),
        "data": dict(data),
        "metadata": metadata,
    }


def outbox(
    event_type: str, tenant: str, cause: str, at: datetime, data: Mapping[str, Any], created_by: str | None = None
) -> Outbox:
    """The row to put into the transaction of the change; `cause` identifies the event (a campaign's id, say)."""
    body = frame(event_type, tenant, at, data, created_by)
    return Outbox(
        f"OUTBOX#{tenant}#{event_type}#{cause}",
        "OUTBOX",
        event_type=event_type,
        frame=json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        ttl=int((clock.wall() + KEPT).timestamp()),
    )
