"""Twilio's reports of what became of a message, as they go through the feedback queue
(twilio.com/docs/messaging/guides/track-outbound-message-status).

A report says no time. It counts as of its first arrival: a message's delivery is one fact, at one time, whenever and
however often Twilio (or somebody who has seen the request) reports it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drumbeat import clock, queues
from drumbeat.channels.sms import twilio, twilio_errors
from drumbeat.errors import MalformedBody
from drumbeat.logs import counted, logger
from drumbeat.sends import provider_messages
from drumbeat.sends.model import Place
from drumbeat.sends.work import FEEDBACK

KIND = "twilio"
# What each status says. Those that are not here say nothing that is not known: the message is on its way.
_MEANS = {
    "queued": "processed", "sending": "processed", "sent": "processed", "delivered": "delivered", "read": "delivered",
    "undelivered": "failed", "failed": "failed", "canceled": "failed",
}  # fmt: skip
_UNDER_WAY = frozenset({"accepted", "scheduled", "receiving", "received", "partially_delivered"})
TIMED = frozenset({"delivered", "failed"})


def take(tenant: str, said: Mapping[str, str], named: str, now: datetime) -> bool:
    """Queue a verified report; False for one that says nothing. `named` is the end of the path that it came to. Raises
    MalformedBody for what is no report."""
    status = (said.get("MessageStatus") or said.get("SmsStatus") or "").lower()
    sid = said.get("MessageSid") or said.get("SmsSid") or ""
    if not sid or not (status in _MEANS or status in _UNDER_WAY):
        raise MalformedBody(
            "This is no report of a message: it needs MessageSid and MessageStatus (queued, sent, delivered, "
            "undelivered or failed). Messages that people send come to …/messages."
        )
    if status not in _MEANS:
        return False
    report = {
        "type": KIND, "tenant": tenant, "kind": _MEANS[status], "sid": sid, "at": clock.iso(now),
        "tags": twilio.tags_of(named), "to": said.get("To", ""), "code": said.get("ErrorCode", ""),
    }  # fmt: skip
    queues.send(FEEDBACK, tenant, [report])
    return True


def resolved(report: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The report with its message's tags and the time that it counts as of; None for a message that is none of ours.
    Writes ProviderMessage."""
    tenant, sid, kind = str(report["tenant"]), str(report["sid"]), str(report["kind"])
    tags = report["tags"] or _found(tenant, sid)
    if tags is None:
        counted("ForeignReports")
        logger.info("a report of a message that is none of ours", extra={"tenant": tenant, "message_sid": sid})
        return None
    at = clock.parse(report["at"])
    if kind in TIMED:
        at = provider_messages.first_time(tenant, sid, kind, at)
    return {**report, "tags": tags, "at": clock.iso(at), "reason": reason(report)}


def reason(report: Mapping[str, Any]) -> str | None:
    return twilio_errors.reason_of(twilio_errors.code_of(report.get("code")))


def _found(tenant: str, sid: str) -> dict[str, str] | None:
    message = provider_messages.find(tenant, sid)
    found = Place.of_message(tenant, message) if message else None
    if found is None:
        return None
    (_, send, shard, chunk), number = found
    return {"send": send, "chunk": f"{shard}-{chunk}", "i": str(number)}
