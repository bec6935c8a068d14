"""When and how fast a launch sends: the campaign's own terms, else the tenant's, as its send keeps them."""

from datetime import datetime, timedelta
from typing import Any

from drumbeat.accounts.settings import Settings
from drumbeat.campaigns import content
from drumbeat.campaigns.model import Campaign
from drumbeat.errors import Detail
from drumbeat.sends import local_time

# Local times that have passed at launch: on the next day, as the hour was chosen for a reason.
PASSED = "next_day"
_SECONDS = {"per_second": 1, "per_minute": 60, "per_hour": 3600, "per_day": 86_400}


def local(campaign: Campaign, chosen: Settings) -> dict[str, Any] | None:
    """`Send.local` of a campaign that is sent in each recipient's time zone. Raises NotReady without a local time."""
    if not campaign.send_in_recipient_zone:
        return None
    return {
        "at": local_send_at(campaign).isoformat(),
        "passed": campaign.when_local_time_passed or PASSED,
        "time_zone": campaign.time_zone or chosen.time_zone,
    }


def local_send_at(campaign: Campaign) -> datetime:
    """The local time at which recipients get it (naive). Raises NotReady."""
    if campaign.local_send_at is None:
        problem = Detail("local_send_at", "say at which local time recipients get it, such as 2026-03-02T09:00:00")
        raise content.NotReady("The campaign cannot be sent yet; see details.", [problem])
    return datetime.fromisoformat(campaign.local_send_at)


def starts_at(campaign: Campaign, at: datetime | None) -> datetime:
    """When a scheduled campaign is launched: at its time, or shortly before its local time in the first zone."""
    if campaign.send_in_recipient_zone and at is None:
        return local_time.starts(local_send_at(campaign))
    if campaign.send_in_recipient_zone:
        problem = Detail("scheduled_at", "leave it out: the campaign is sent at local_send_at of each recipient")
        raise content.NotReady("The campaign cannot be scheduled; see details.", [problem])
    if at is None:
        problem = Detail("scheduled_at", "say when; or set send_in_recipient_zone and local_send_at")
        raise content.NotReady("The campaign cannot be scheduled; see details.", [problem])
    return at


def last_start(campaign: Campaign, at: datetime) -> datetime:
    """The last moment at which somebody was to get it."""
    return local_time.ends(local_send_at(campaign)) if campaign.send_in_recipient_zone else at


def _last_due(campaign: Campaign, now: datetime) -> datetime:
    """The last moment at which a launch of now is due for somebody, who may have to wait for the next day."""
    if not campaign.send_in_recipient_zone:
        return now
    local = local_send_at(campaign)
    some_wait = now > local_time.starts(local) + local_time.LEAD
    if some_wait and (campaign.when_local_time_passed or PASSED) == "next_day":
        return max(now + local_time.LONGEST_DAY, local_time.ends(local))
    return max(now, local_time.ends(local))


def limits(campaign: Campaign, chosen: Settings) -> dict[str, Any] | None:
    """`Send.limits`: the campaign's, with the zone of its days."""
    said = {name: value for name, value in (campaign.limits or {}).items() if value is not None}
    return {**said, "time_zone": campaign.time_zone or chosen.time_zone} if said else None


def chunk_size(most: int, said: dict[str, Any] | None) -> int:
    """A chunk is no larger than what may leave in a window, so that the rate is even."""
    return max(1, min([most, *(int(value) for name, value in (said or {}).items() if name in _SECONDS)]))


def expires_at(campaign: Campaign, chosen: Settings, size: int, now: datetime) -> datetime:
    """Until when a launch sends: what the campaign says; else the tenant's `send_expiry_seconds` after the launch or,
    if that is later, twice the time that its limits need. Raises NotReady when that is over."""
    if campaign.expires_at is not None:
        if campaign.expires_at <= now:
            problem = Detail("expires_at", "has passed; choose a later time, or none")
            raise content.NotReady("The campaign can no longer be sent; see details.", [problem])
        return campaign.expires_at
    begun = _last_due(campaign, now)
    if campaign.expire_after is not None:
        return begun + timedelta(seconds=int(campaign.expire_after))
    paces = [_SECONDS[name] / value for name, value in (campaign.limits or {}).items() if value]
    return begun + timedelta(seconds=max(chosen.send_expiry_seconds, 2 * size * max(paces, default=0.0)))
