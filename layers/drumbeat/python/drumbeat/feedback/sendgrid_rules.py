"""What SendGrid's events mean (twilio.com/docs/sendgrid/for-developers/tracking-events/event), and those that
integration-guide.md documents. Pure."""

import re
from collections.abc import Mapping
from typing import Any

from drumbeat.feedback import rules
from drumbeat.feedback.rules import Incident

# Names of events that say the same.
_SAME = {
    "opened": "open",
    "clicked": "click",
    "bounced": "bounce",
    "spam_report": "spamreport",
    "group_unsubscribe": "unsubscribe",
}
# Classes of bounces that say something of the mail, or of its sender, and nothing of the address.
_OF_THE_MAIL = frozenset({"content", "reputation", "technical", "technical failure", "frequency/volume"})
# Why SendGrid drops a mail: the address is on one of its lists.
_DROPPED: tuple[tuple[str, Incident], ...] = (
    ("bounced", ("failed", rules.GONE, None)),
    ("unsubscribe", ("failed", rules.UNSUBSCRIBED, None)),
    ("spam report", ("failed", rules.COMPLAINED, None)),
)
_TEMPORARY = re.compile(r"4(\.|\d\d)")


def name_of(report: Mapping[str, Any]) -> str:
    """The event, by SendGrid's own name of today; a bounce of the type `blocked` is `blocked`."""
    said = str(report.get("event")).lower()
    name = _SAME.get(said, said)
    return "blocked" if name == "bounce" and report.get("type") == "blocked" else name


def incident(report: Mapping[str, Any]) -> Incident | None:
    """Kind, consequence and reason of an event that is one; None for others.

    `bounce` is for good, and SendGrid sends nothing more to that address; `blocked` is for now. What was wrong with the
    mail says nothing about the address: a wrong suppression silences a person for good.
    """
    reason = " ".join(str(report[name]) for name in ("status", "reason") if report.get(name)) or None
    match name_of(report):
        case "bounce" if _is_hard(report):
            return "bounced", rules.GONE, reason
        case "bounce" | "blocked":
            return "soft_bounced", _soft(report), reason
        case "spamreport":
            return "complained", rules.COMPLAINED, reason
        case "unsubscribe":
            return "unsubscribed", rules.UNSUBSCRIBED, reason
        case "dropped":
            said = str(report.get("reason") or "").lower()
            found = next((meant for word, meant in _DROPPED if word in said), ("failed", None, None))
            return found[0], found[1], f"dropped: {report['reason']}" if report.get("reason") else "dropped"
    return None


def _is_hard(report: Mapping[str, Any]) -> bool:
    return not _is_of_the_mail(report) and not _TEMPORARY.match(str(report.get("status") or ""))


def _is_of_the_mail(report: Mapping[str, Any]) -> bool:
    return str(report.get("bounce_classification") or "").lower() in _OF_THE_MAIL


def _soft(report: Mapping[str, Any]) -> rules.Consequence | None:
    return None if _is_of_the_mail(report) else rules.soft("", str(report.get("status") or ""))
