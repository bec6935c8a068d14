"""What a contact did, and what happened to its messages.

pk                              sk                             stored
TIMELINE#<tenant>#<contact>     <instant>#<event id>           one event, for 13 months; `bus` = 1: goes on the bus,
                                                               `asked` = 1: a segment looks at it,
                                                               `waited` = 1: a journey may wait for it
ROLLUP#<tenant>#<contact>       <event name>#<yyyy-mm-dd>      how often on a day of the tenant's zone
EVENT#<tenant>#<event id>       EVENT                          this event was recorded: it never counts again
ORDER#<tenant>#<order id>       ORDER                          this order is in its contact's purchase facts

A day's number is `times` (events of the API, added in the transaction of their markers) plus the size of `refs`
(messages: a set, so that a message opened twice in a day is one).
"""

from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pynamodb.attributes import UnicodeSetAttribute

from drumbeat import clock, ids
from drumbeat.contacts.model import CompactJSON
from drumbeat.table import Entity, InstantAttribute, NumberAttribute, UnicodeAttribute

# 13 months: a year's comparison with the same month of the year before.
KEPT = timedelta(days=396)

MessageKind = Literal[
    "sent",
    "delivered",
    "opened",
    "clicked",
    "bounced",
    "complained",
    "unsubscribed",
    "deferred",
    "rejected",
    "failed",
    "replied",
]
# A message is sent, delivered, … once, whatever times the provider's duplicates carry; it is opened as often as it is.
_REPEATED = ("opened", "clicked", "replied")
# So few messages are that segments may look at all of them.
_RARE = ("bounced", "complained", "rejected", "unsubscribed", "failed", "replied")


class Timeline(Entity):
    """One event of a contact. `data` is a message event's documented payload, `properties` what the tenant sent."""

    TYPE = "TIMELINE"

    event_id = UnicodeAttribute()
    name = UnicodeAttribute()
    at = InstantAttribute()
    properties = CompactJSON(null=True)
    campaign = UnicodeAttribute(null=True)
    send = UnicodeAttribute(null=True)
    message = UnicodeAttribute(null=True)
    machine = NumberAttribute(null=True)
    data = CompactJSON(null=True)
    event_type = UnicodeAttribute(null=True)
    bus = NumberAttribute(null=True)
    asked = NumberAttribute(null=True)
    waited = NumberAttribute(null=True)
    ttl = NumberAttribute()

    @staticmethod
    def partition(tenant: str, contact_id: str) -> str:
        return f"TIMELINE#{tenant}#{contact_id}"

    @staticmethod
    def key(tenant: str, contact_id: str, at: datetime, event_id: str) -> tuple[str, str]:
        return Timeline.partition(tenant, contact_id), f"{clock.iso(at)}#{event_id}"


class RollUp(Entity):
    """How often one event happened to one contact on one day."""

    TYPE = "ROLLUP"
    LEDGER = True

    times = NumberAttribute(attr_name="count", default=0)
    refs = UnicodeSetAttribute(null=True)

    @staticmethod
    def partition(tenant: str, contact_id: str) -> str:
        return f"ROLLUP#{tenant}#{contact_id}"

    @staticmethod
    def key(tenant: str, contact_id: str, name: str, day: str) -> tuple[str, str]:
        """`day` is yyyy-mm-dd; an event's name has no `#`, so that no name is the beginning of another's keys."""
        return RollUp.partition(tenant, contact_id), f"{name}#{day}"

    @property
    def name(self) -> str:
        return self.sk.split("#")[0]

    @property
    def day(self) -> str:
        return self.sk.split("#")[1]

    @property
    def total(self) -> int:
        return int(self.times or 0) + len(self.refs or ())


class Event(Entity):
    """An event was recorded under this id."""

    TYPE = "EVENT"
    LEDGER = True

    contact_id = UnicodeAttribute()
    at = InstantAttribute()

    @staticmethod
    def key(tenant: str, event_id: str) -> tuple[str, str]:
        return f"EVENT#{tenant}#{event_id}", "EVENT"


class Order(Entity):
    """An order was counted in a contact's purchase facts. `value` is in minor units of `currency`."""

    TYPE = "ORDER"
    LEDGER = True

    contact_id = UnicodeAttribute()
    event_id = UnicodeAttribute()
    at = InstantAttribute()
    value = NumberAttribute()
    currency = UnicodeAttribute()

    @staticmethod
    def key(tenant: str, order_id: str) -> tuple[str, str]:
        return f"ORDER#{tenant}#{order_id}", "ORDER"


def event_row(
    tenant: str,
    contact_id: str,
    event_id: str,
    name: str,
    at: datetime,
    properties: Mapping[str, Any],
    waited: Container[str] = (),
) -> Timeline:
    """The timeline row of an event that the tenant sent. One that is older than the retention stays a day. `waited` are
    the events that somebody waits for."""
    kept_until = max(at + KEPT, clock.wall() + timedelta(days=1))
    return Timeline(
        *Timeline.key(tenant, contact_id, at, event_id),
        event_id=event_id,
        name=name,
        at=at,
        properties=dict(properties) or None,
        waited=1 if name in waited else None,
        ttl=int(kept_until.timestamp()),
    )


def message_row(
    tenant: str,
    contact_id: str,
    kind: MessageKind,
    at: datetime,
    send_id: str | None,
    campaign_id: str | None,
    message_ref: str,
    data: Mapping[str, Any],
    publish: bool,
    *,
    machine: bool = False,
    channel: str = "email",
    asked: Container[str] = (),
    waited: Container[str] = (),
) -> Timeline:
    """The timeline row of what happened to a message. `message_ref` names the message (send, chunk and index, say).

    The same provider event always gives the same row, so that `table.put_many` may write it any number of times; the
    forwarder publishes inserted rows only. `event_id` is the same for all reports of one fact. `data` is what `frames`
    built; it goes on the bus when `publish` says so. `asked` are the events of many messages that segments look at and
    that have no counts by day, `waited` those that somebody waits for: what machines did is not among them.
    """
    what = [tenant, channel, kind, message_ref]
    if kind in _REPEATED:
        what += [clock.iso(at), str(data.get("url") or data.get("reply_id", ""))]
    event_id = ids.derived("evt", *what)
    return Timeline(
        *Timeline.key(tenant, contact_id, at, event_id),
        event_id=event_id,
        name=f"{channel}.{kind}",
        at=at,
        campaign=campaign_id,
        send=send_id,
        message=message_ref,
        machine=1 if machine else None,
        data=dict(data),
        event_type=f"marketing.{channel}.{kind}",
        bus=1 if publish else None,
        asked=1 if kind in _RARE or f"{channel}.{kind}" in asked else None,
        waited=1 if not machine and f"{channel}.{kind}" in waited else None,
        ttl=int((at + KEPT).timestamp()),
    )
