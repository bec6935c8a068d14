"""Sending a campaign again to exactly those who were not sent, or who have not read it.

A recipient has one outcome, so each outcome can be resent once: a second request for the same ones is the same
campaign, and one that also names others would send to somebody twice and is refused. Nobody of whom an event says that
the mail was sent is among them, and consent, suppression and the rest are checked again like for any send.
"""

from datetime import datetime
from typing import Literal, Self

from pydantic import Field, model_validator

from drumbeat import channels, ids
from drumbeat.campaigns import copying, fields, model
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.campaigns.views import Subject
from drumbeat.errors import Conflict, Invalid
from drumbeat.fields import Body, FieldNeeded, Name, View
from drumbeat.sends.audience import Earlier, by_outcome
from drumbeat.sends.model import REASONS, Outcome, Send
from drumbeat.table import Transaction

Reason = Literal[
    "rejected_by_provider", "suppressed", "no_consent", "consent_revoked", "not_confirmed", "no_address", "cancelled",
    "expired", "outcome_unknown", "paused", "category", "quiet_hours", "stale", "frequency_cap",
]  # fmt: skip
# What may be different now without anything that the recipient does.
DEFAULT: tuple[Reason, ...] = (
    "rejected_by_provider", "cancelled", "expired", "quiet_hours", "stale", "frequency_cap",
)  # fmt: skip
# How those who have not read it are called among what was resent.
UNREAD = "unread"
# How those are called whose message was taken and did not arrive.
UNDELIVERED = "undelivered"


class AlreadyResent(Conflict):
    """Some of these recipients are in another resend of the campaign."""

    code = "ALREADY_RESENT"


class Whom(Body):
    """Whom to send to again: those not sent for one of `reasons` or, with `unread`, those who were sent and have shown
    no sign of reading it, or, with `undelivered`, those whose message was taken and is known not to have arrived. Of
    `outcome_unknown` some may have it already: `accept_duplicates` says that this is known.
    """

    reasons: list[Reason] = Field(default_factory=lambda: list(DEFAULT), min_length=1, max_length=20)
    unread: bool = False
    undelivered: bool = False
    accept_duplicates: bool = False

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if self.unread and self.undelivered:
            raise FieldNeeded("undelivered", "is another resend than that of unread; make two")
        return self


class NewResend(Whom):
    """A resend. It is a draft, or launched at once; `name`, `subject` and `carrier_preference` are the campaign's,
    unless said: text messages that did not arrive may do so over another carrier."""

    name: Name | None = None
    subject: Subject | None = None
    carrier_preference: Name | None = None
    send_type: Literal["draft", "immediate"] = "draft"


class ResendPreview(View):
    """How many recipients a resend would have now, of each kind. Who of them may get it, is decided when it is sent."""

    campaign_id: str
    recipients: int
    by_reason: dict[str, int]
    already_resent: dict[str, str]


def preview(campaign: Campaign, asked: Whom) -> ResendPreview:
    """Count them in the ledger. Raises WrongStatus while the campaign has not ended. Reads Send, Chunk, Stat."""
    send = _ended(campaign)
    kinds = _kinds(asked)
    counted = by_outcome(campaign.tenant, _earlier(send, kinds))
    found = {kind: sum(counted[letter] for letter in _earlier(send, [kind]).outcomes) for kind in kinds}
    return ResendPreview(
        campaign_id=campaign.campaign_id,
        recipients=sum(found.values()),
        by_reason=found,
        already_resent={kind: resent for kind, resent in _resent(campaign).items() if kind in found},
    )


def make(campaign: Campaign, asked: NewResend, actor: str, now: datetime) -> Campaign:
    """Store the campaign that sends to them; the same request again gives the same one. Raises WrongStatus,
    AlreadyResent, Conflict, Invalid. Reads Send."""
    send = _ended(campaign)
    kinds = _kinds(asked)
    said = [name for name in ("subject", "carrier_preference") if getattr(asked, name)]
    fields.require(channels.get(campaign.channel), said)
    if "outcome_unknown" in kinds and not asked.accept_duplicates:
        raise Invalid.field(
            "accept_duplicates", "must be true to resend outcome_unknown: some of these recipients may have it already"
        )
    resent = _resent(campaign)
    others = {resent[kind] for kind in kinds if kind in resent}
    if len(others) == 1 and all(kind in resent for kind in kinds):
        return model.get(campaign.tenant, others.pop())
    if others:
        taken = ", ".join(kind for kind in kinds if kind in resent)
        raise AlreadyResent(f"Leave out {taken}: {', '.join(sorted(others))} sends to these.")
    over = {"carrier_preference": asked.carrier_preference} if asked.carrier_preference else {}
    again = copying.copy_of(
        campaign,
        ids.derived("cmp", campaign.tenant, campaign.campaign_id, "resend", *kinds, *_given_up(campaign)),
        asked.name or f"{campaign.name} (resend)",
        actor,
        now,
        audience={
            "earlier": {**_earlier(send, kinds).model_dump(), "campaign": campaign.campaign_id, "reasons": kinds}
        },
        resend_of=campaign.campaign_id,
        send_in_recipient_zone=None,
        subject=asked.subject or campaign.subject,
        said={**(campaign.said or {}), **over} or None,
    )
    return model.add(again, together=lambda transaction: _note(transaction, campaign, kinds, again.campaign_id))


def _note(transaction: Transaction, campaign: Campaign, kinds: list[str], resend: str) -> None:
    """Write on the campaign what is resent by whom, unless somebody changed it since it was read."""
    noted = {**(campaign.resent or {}), **dict.fromkeys(kinds, resend)}
    transaction.update(Campaign, campaign.pk, campaign.sk, [Campaign.resent.set(noted)], campaign.unchanged())


def _resent(campaign: Campaign) -> dict[str, str]:
    """What was resent, and the campaign that does it. One that was cancelled before its launch sends to nobody."""
    over = set(_given_up(campaign))
    return {kind: resend for kind, resend in (campaign.resent or {}).items() if resend not in over}


def _given_up(campaign: Campaign) -> list[str]:
    resends = sorted(set((campaign.resent or {}).values()))
    named = Campaign.many(Campaign.key(campaign.tenant, resend) for resend in resends)
    return [one.campaign_id for one in named if one.status == Status.CANCELLED and one.send_id is None]


def _ended(campaign: Campaign) -> Send:
    """The campaign's send, of which nothing changes any more. Raises WrongStatus."""
    send = Send.fetch(*Send.key(campaign.tenant, campaign.send_id)) if campaign.send_id else None
    if send is None or send.finished_at is None:
        raise WrongStatus(
            "The campaign has not ended, so who was not sent is not known. Wait for its end, or cancel it."
        )
    return send


def _kinds(asked: Whom) -> list[str]:
    if asked.unread or asked.undelivered:
        return [UNREAD if asked.unread else UNDELIVERED]
    return sorted(set(asked.reasons))


def _earlier(send: Send, kinds: list[str]) -> Earlier:
    accepted = kinds in ([UNREAD], [UNDELIVERED])
    letters = [Outcome(letter).value for letter, reason in REASONS.items() if reason in kinds]
    return Earlier(
        send=send.send_id,
        plan_shards=int(send.plan_shards),
        outcomes=Outcome.ACCEPTED.value if accepted else "".join(letters),
        unread=kinds == [UNREAD],
        undelivered=kinds == [UNDELIVERED],
    )
