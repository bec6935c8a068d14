"""What bounces and complaints mean for an address, and which clicks a machine made. Pure."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from drumbeat import clock
from drumbeat.activity import machines
from drumbeat.channels.sms import twilio_errors
from drumbeat.contacts.suppressions import Reason, Scope
from drumbeat.deliverability.soft_bounces import IN_A_ROW

# A scanner follows all links in one go; a reader who follows all of them takes longer. Real seconds.
BURST = 30.0


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an incident does to the address: what it must not get any more, why, and whether consent is taken back.

    `in_a_row`: only when it is the last of so many without a delivery between (drumbeat.deliverability.soft_bounces).
    """

    scope: Scope
    reason: Reason
    revokes: bool = False
    in_a_row: int = 1


GONE = Consequence("all", "hard_bounce")
_SOFT = Consequence("marketing", "soft_bounces", in_a_row=IN_A_ROW)
# SES tried for fourteen hours and gave up: nobody takes mail there.
_EXPIRED = Consequence("marketing", "soft_bounces")
# What was wrong with the mail says nothing about the address: too large, or turned away for its content or its sender
# (RFC 3463: x.2.3 and x.3.4 are sizes, x.6.* contents, x.7.* policies).
_OF_THE_MAIL = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})
_OF_THE_MAIL_BY_STATUS = re.compile(r"[45]\.(?:2\.3|3\.4|[67]\.\d+)")
COMPLAINED = Consequence("marketing", "complaint", revokes=True)
UNSUBSCRIBED = Consequence("marketing", "unsubscribed", revokes=True)
Incident = tuple[
    Literal["bounced", "soft_bounced", "complained", "failed", "unsubscribed"], Consequence | None, str | None
]


def bounce(facts: Mapping[str, Any]) -> Incident:
    """Kind, consequence and reason of a bounce.

    `Permanent` is hard. `Undetermined` (SES could not tell from the answer) counts as soft, like `Transient`: a wrong
    suppression silences a person for good, a wrong mail bounces again. An address on SES's own list because the person
    unsubscribed there is no bad address.
    """
    first: Mapping[str, Any] = next(iter(facts.get("bouncedRecipients") or ()), {})
    words = [str(first[name]) for name in ("status", "diagnosticCode") if first.get(name)]
    reason = " ".join(words) or facts.get("bounceSubType")
    if facts.get("bounceType") != "Permanent":
        return "soft_bounced", soft(str(facts.get("bounceSubType")), str(first.get("status") or "")), reason
    if facts.get("bounceSubType") == "UnsubscribedRecipient":
        return "failed", UNSUBSCRIBED, reason
    return "bounced", GONE, reason


def soft(subtype: str, status: str) -> Consequence | None:
    """What a soft bounce of SES's subtype, or of a status of RFC 3463, does to the address."""
    if status == "4.4.7":
        return _EXPIRED
    return None if subtype in _OF_THE_MAIL or _OF_THE_MAIL_BY_STATUS.fullmatch(status) else _SOFT


def complaint(facts: Mapping[str, Any]) -> Incident | None:
    """Kind, consequence and reason of a complaint; None when it says that the mail is none (`not-spam`).

    With the subtype `OnAccountSuppressionList` SES did not send, because of an earlier complaint: nobody complained of
    this message.
    """
    if facts.get("complaintFeedbackType") == "not-spam":
        return None
    if facts.get("complaintSubType") == "OnAccountSuppressionList":
        return "failed", COMPLAINED, "on the provider's suppression list because of a complaint"
    return "complained", COMPLAINED, facts.get("complaintFeedbackType")


def undelivered(code: object) -> Consequence | None:
    """What Twilio's error code of a message that did not arrive means for the number."""
    known = twilio_errors.code_of(code)
    if known == twilio_errors.OPTED_OUT:
        return UNSUBSCRIBED
    return GONE if known in twilio_errors.DEAD else None


def reason_of_delay(facts: Mapping[str, Any]) -> str | None:
    first: Mapping[str, Any] = next(iter(facts.get("delayedRecipients") or ()), {})
    return " ".join(str(part) for part in (facts.get("delayType"), first.get("diagnosticCode")) if part) or None


@dataclass(frozen=True, slots=True)
class Followed:
    """A click as far as its classification goes: of which message, which of its `links` links, when, by whom."""

    message: str
    link: int | None
    links: int
    at: datetime
    user_agent: str | None


def machine_clicks(
    clicks: Mapping[int, Followed], delivered_at: Callable[[int, Followed], datetime | None]
) -> set[int]:
    """The positions of clicks that a machine made. `delivered_at` is only asked about those that nothing else gives
    away. Bursts are found among the clicks given here; a burst that is spread over batches is not."""
    by_message: defaultdict[str, list[Followed]] = defaultdict(list)
    for click in clicks.values():
        by_message[click.message].append(click)
    found = set()
    for position, click in clicks.items():
        distinct = _distinct(click, by_message[click.message])
        if machines.is_machine_click(click.user_agent, None, distinct, click.links):
            found.add(position)
            continue
        delivered = delivered_at(position, click)
        since = None if delivered is None else clock.wall_seconds(click.at - delivered)
        if machines.is_machine_click(click.user_agent, since, distinct, click.links):
            found.add(position)
    return found


def _distinct(click: Followed, others: Iterable[Followed]) -> int:
    """How many links of the message were followed within a burst of this click."""
    near = timedelta(seconds=BURST * clock.SCALE)
    return len({other.link for other in others if other.link is not None and abs(other.at - click.at) <= near})
