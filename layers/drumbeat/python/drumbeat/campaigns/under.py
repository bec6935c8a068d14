"""The campaigns under a marketing campaign follow what is decided for it.

Each is changed by itself, in a way that may be repeated: whoever pauses twice finishes what was not reached before.
"""

from collections.abc import Callable
from datetime import datetime

from drumbeat.campaigns import lifecycle, model
from drumbeat.campaigns.model import Campaign, Status, WrongStatus
from drumbeat.deliverability.identities import NoIdentity
from drumbeat.marketing.model import MarketingCampaign

REASON = "marketing_campaign_paused"


def pause(umbrella: MarketingCampaign, now: datetime) -> None:
    """Pause what is being sent; what is scheduled is refused when its time comes."""
    _each(umbrella, lambda one: lifecycle.pause(one, now, reason=REASON), lambda one: one.status == Status.SENDING)


def resume(umbrella: MarketingCampaign, now: datetime) -> None:
    """Resume what was paused with it, and only that: what a person paused by itself stays paused."""
    paused = {Status.PAUSED: REASON}
    _each(umbrella, lambda one: lifecycle.resume(one, now), lambda one: paused.get(Status(one.status)) == one.reason)


def cancel(umbrella: MarketingCampaign, now: datetime) -> None:
    """Cancel what has not ended."""
    open_ones = (Status.DRAFT, Status.SCHEDULED, Status.SENDING, Status.PAUSED)
    _each(umbrella, lambda one: lifecycle.cancel(one, now), lambda one: one.status in open_ones)


def _each(umbrella: MarketingCampaign, act: Callable[[Campaign], Campaign], wanted: Callable[[Campaign], bool]) -> None:
    for campaign in filter(wanted, model.under(umbrella.tenant, umbrella.campaign_id)):
        try:
            act(campaign)
        except (WrongStatus, NoIdentity):
            continue  # it has moved on by itself meanwhile: sent, decided by somebody, or its sender is held back
