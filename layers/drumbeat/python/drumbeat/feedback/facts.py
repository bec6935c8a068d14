"""What a message of the feedback queue says: providers' events, and our own of pixels and links, in one shape.

SES: docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html. Its times are of the wall clock;
ours (`tracking.record`) are of the business clock already.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from drumbeat import clock, ids
from drumbeat.feedback import rules, sendgrid_reports, sendgrid_rules, twilio_reports
from drumbeat.feedback.rules import Consequence
from drumbeat.sends.model import Place

# The sets of a stat item that facts go into; machine opens and clicks have sets of their own.
Kind = Literal[
    "processed",
    "delivered",
    "deferred",
    "bounced",
    "soft_bounced",
    "complained",
    "failed",
    "opened",
    "clicked",
    "unsubscribed",
]
MOST_REASON = 500
MOST_USER_AGENT = 512
MOST_URL = 2048
_CHUNK = re.compile(r"(\d{1,3})-(\d{1,6})")
_NUMBER = re.compile(r"\d{1,3}")  # providers take a thousand recipients in a request at most
_CONTACT = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to one message. Our own messages know the recipient's number only: `contact` is None.
    `tenant` is whose account reported it, where that is known: it can tell of no other's messages. `machine`: the
    provider says that no person did it."""

    kind: Kind
    send: str
    shard: int
    chunk: int
    number: int
    at: datetime
    contact: str | None = None
    address: str | None = None
    reason: str | None = None
    consequence: Consequence | None = None
    link: int | None = None
    url: str = ""
    user_agent: str | None = None
    ip: str | None = None
    country: str | None = None
    city: str | None = None
    tenant: str | None = None
    machine: bool = False

    def since(self, launched_at: datetime | None) -> "Fact":
        """The fact, not before its send was launched: nothing happens to a message before, whatever is reported."""
        early = self.tenant is not None and launched_at is not None and self.at < launched_at
        return replace(self, at=launched_at) if early and launched_at else self

    def place(self, tenant: str) -> Place:
        return Place(tenant, self.send, self.shard, self.chunk)


def read(message: Mapping[str, Any]) -> Fact | None:
    """The fact in a message; None for one that is none of ours. Raises ValueError, LookupError, TypeError."""
    if "eventType" in message:
        return _of_ses(message)
    if message.get("type") in ("open", "click"):
        return _of_ours(message)
    if message.get("type") == twilio_reports.KIND:
        return _of_twilio(message)
    if message.get("type") == sendgrid_reports.KIND:
        return _of_sendgrid(message)
    raise ValueError(f"a message that is neither an event of SES nor of ours: {sorted(message)[:10]}")


def _of_ours(message: Mapping[str, Any]) -> Fact:
    return Fact(
        "opened" if message["type"] == "open" else "clicked",
        str(message["send"]),
        int(message["shard"]),
        int(message["number"]),
        int(message["recipient"]),
        clock.parse(message["at"]),
        link=None if message.get("link") is None else int(message["link"]),
        url=str(message.get("url") or "")[:MOST_URL],
        user_agent=_text(message.get("user_agent"), MOST_USER_AGENT),
        ip=_text(message.get("ip"), 64),
        country=_text(message.get("country"), 2),
        city=_text(message.get("city"), 128),
        tenant=message.get("tenant"),
    )


def _of_twilio(report: Mapping[str, Any]) -> Fact | None:
    """A report that `twilio_reports.resolved` has looked at."""
    tags = report["tags"]
    place, number, contact = _CHUNK.fullmatch(tags["chunk"]), tags["i"], tags.get("contact")
    ours = ids.is_id(tags["send"], "snd") and _NUMBER.fullmatch(number)
    if not ours or not place or (contact and not _CONTACT.fullmatch(contact)):
        return None
    return Fact(
        report["kind"], tags["send"], int(place[1]), int(place[2]), int(number), clock.parse(report["at"]),
        f"con_{contact}" if contact else None, _text(report.get("to"), 64), _text(report.get("reason"), MOST_REASON),
        rules.undelivered(report.get("code")) if report["kind"] == "failed" else None, tenant=report["tenant"],
    )  # fmt: skip


def _of_sendgrid(message: Mapping[str, Any]) -> Fact | None:
    """A report that `sendgrid_reports.matched` has looked at. Its time is of the wall clock."""
    report = message["report"]
    mail = _named({name: str(report.get(name, "")) for name in ("send", "chunk", "i", "contact", "test")})
    incident = sendgrid_rules.incident(report)
    kind = incident[0] if incident else _OF_SENDGRID.get(sendgrid_rules.name_of(report))
    if mail is None or kind is None:
        return None
    send, shard, chunk, number, contact = mail
    at = _reported(float(report["timestamp"]))
    said = incident[2] if incident else report.get("response") or report.get("reason")
    return Fact(
        kind, send, shard, chunk, number, at, contact, str(report["email"]),
        reason=_text(said, MOST_REASON) if kind != "delivered" else None,
        consequence=incident[1] if incident else None,
        url=str(report.get("url") or "")[:MOST_URL],
        user_agent=_text(report.get("useragent"), MOST_USER_AGENT),
        ip=_text(report.get("ip"), 64) if kind in ("opened", "clicked") else None,
        tenant=message["tenant"],
        machine=report.get("sg_machine_open") is True,
    )  # fmt: skip


def _reported(seconds: float) -> datetime:
    """The business time of an epoch second that a report says: always the same for the same report. What lies too far
    back for the business clock is the beginning of time, and so the launch of its send."""
    try:
        return clock.business_time_of(datetime.fromtimestamp(seconds, UTC))
    except (OverflowError, ValueError, OSError):
        return datetime.min.replace(tzinfo=UTC)


_OF_SENDGRID: dict[str, Kind] = {
    "processed": "processed", "delivered": "delivered", "deferred": "deferred", "open": "opened", "click": "clicked",
}  # fmt: skip


def _of_ses(event: Mapping[str, Any]) -> Fact | None:
    mail = event["mail"]
    message = _tagged(mail.get("tags") or {})
    about = _READERS.get(str(event["eventType"]))
    said = about(event) if message and about else None
    if message is None or said is None:
        return None
    send, shard, chunk, number, contact = message
    at = clock.business_time_of(clock.parse(said.pop("timestamp", mail["timestamp"])))
    sent_to = next(iter(mail.get("destination") or ()), None)
    return Fact(send=send, shard=shard, chunk=chunk, number=number, at=at, contact=contact, address=sent_to, **said)


# What is special of each type of event, as arguments of `Fact`; an event without a time has its mail's.
Said = dict[str, Any]


def _delivered(event: Mapping[str, Any]) -> Said:
    return {"kind": "delivered", "timestamp": event["delivery"]["timestamp"]}


def _deferred(event: Mapping[str, Any]) -> Said:
    delay = event["deliveryDelay"]
    reason = _text(rules.reason_of_delay(delay), MOST_REASON)
    return {"kind": "deferred", "timestamp": delay["timestamp"], "reason": reason}


def _bounced(event: Mapping[str, Any]) -> Said:
    return _incident(rules.bounce(event["bounce"]), event["bounce"])


def _complained(event: Mapping[str, Any]) -> Said | None:
    incident = rules.complaint(event["complaint"])
    return incident and _incident(incident, event["complaint"])


def _incident(incident: rules.Incident, facts: Mapping[str, Any]) -> Said:
    kind, consequence, reason = incident
    reason = _text(reason, MOST_REASON)
    return {"kind": kind, "timestamp": facts["timestamp"], "consequence": consequence, "reason": reason}


def _failed(reason: Any) -> Said:
    return {"kind": "failed", "reason": _text(reason, MOST_REASON)}


def _seen(kind: Kind, facts: Mapping[str, Any]) -> Said:
    """An open or click that SES itself tracked."""
    return {
        "kind": kind,
        "timestamp": facts["timestamp"],
        "user_agent": _text(facts.get("userAgent"), MOST_USER_AGENT),
        "ip": _text(facts.get("ipAddress"), 64),
        "url": str(facts.get("link") or "")[:MOST_URL],
    }


_READERS: dict[str, Callable[[Mapping[str, Any]], Said | None]] = {
    "Send": lambda event: {"kind": "processed"},
    "Delivery": _delivered,
    "DeliveryDelay": _deferred,
    "Bounce": _bounced,
    "Complaint": _complained,
    "Reject": lambda event: _failed(event["reject"].get("reason")),
    "Rendering Failure": lambda event: _failed(event["failure"].get("errorMessage")),
    "Open": lambda event: _seen("opened", event["open"]),
    "Click": lambda event: _seen("clicked", event["click"]),
}


def _tagged(tags: Mapping[str, Any]) -> tuple[str, int, int, int, str] | None:
    """Send, shard, chunk, number and contact by our tags; None for test mails and those of somebody else."""
    return _named({name: _tag(tags, name) for name in ("send", "chunk", "i", "contact", "test")})


def _named(said: Mapping[str, str]) -> tuple[str, int, int, int, str] | None:
    send, chunk, number, contact = (said[name] for name in ("send", "chunk", "i", "contact"))
    place = _CHUNK.fullmatch(chunk)
    ours = ids.is_id(send, "snd") and place and _NUMBER.fullmatch(number) and _CONTACT.fullmatch(contact)
    if not ours or not place or said["test"]:
        return None
    return send, int(place[1]), int(place[2]), int(number), f"con_{contact}"


def _tag(tags: Mapping[str, Any], name: str) -> str:
    values = tags.get(name)
    return str(values[0]) if isinstance(values, list) and values else ""


def _text(value: Any, most: int) -> str | None:
    return str(value)[:most] if value else None
